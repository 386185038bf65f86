"""A small HTTP/1.1 server on bare sockets. (http.server: 10 MiB, a thread a client; docs/decisions/0010.)"""
