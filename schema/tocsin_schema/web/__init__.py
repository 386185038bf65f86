"""``web.yml``, exporter-toolkit's file of a server's TLS, passwords and headers; agent and collector read it."""
