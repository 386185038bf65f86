# docker build --file deploy/docker/agent.Dockerfile --tag tocsin-agent .
# BASE needs Python 3.11 to 3.13 with venv; pin yours by its digest. The image that runs needs no shell and no network.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY locks locks
COPY deploy/docker/install.sh .
COPY schema schema
COPY agent agent
RUN --mount=type=secret,id=index --mount=type=secret,id=ca sh install.sh ./schema ./agent
# Where log positions are kept: a volume begins as a copy of it, so that its user owns it.
RUN mkdir /state

FROM ${BASE}
LABEL org.opencontainers.image.title="tocsin agent" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/tocsin /opt/tocsin
COPY --from=build --chown=10300:10300 /state /state
# By number, so that Kubernetes can see that it is not root.
USER 10300:10300
ENV PATH=/opt/tocsin/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 XDG_STATE_HOME=/state
EXPOSE 10300
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/opt/tocsin/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:10300/-/healthy', timeout=4)"]
ENTRYPOINT ["/opt/tocsin/bin/tocsin-agent"]
# Every address of the container's own network; who may come in is decided where its ports are published.
CMD ["run", "--listen", "0.0.0.0:10300"]
