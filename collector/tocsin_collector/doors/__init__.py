"""Who comes in, and how: TLS and passwords by ``web.yml``, keys with scopes, quotas, and the limits of a connection."""
