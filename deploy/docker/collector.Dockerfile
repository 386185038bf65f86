# docker build --file deploy/docker/collector.Dockerfile --tag tocsin-collector .
# BASE needs Python 3.11 to 3.13 with venv; pin yours by its digest. The image that runs needs no shell and no network.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY locks locks
COPY deploy/docker/install.sh .
COPY schema schema
COPY alerts alerts
COPY dashboards dashboards
COPY collector collector
RUN --mount=type=secret,id=index --mount=type=secret,id=ca sh install.sh ./schema ./alerts ./dashboards "./collector[elasticsearch]"
# Its own data, and what others read of it (rules, boards, targets): volumes begin as copies of these, so that its user owns
# them.
RUN mkdir /data /provision

FROM ${BASE}
LABEL org.opencontainers.image.title="tocsin collector" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/tocsin /opt/tocsin
COPY --from=build --chown=10301:10301 /data /data
COPY --from=build --chown=10301:10301 /provision /provision
# By number, so that Kubernetes can see that it is not root.
USER 10301:10301
ENV PATH=/opt/tocsin/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
EXPOSE 10301
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["/opt/tocsin/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:10301/-/healthy', timeout=4)"]
ENTRYPOINT ["/opt/tocsin/bin/tocsin"]
# Every address of the container's own network; who may come in is decided where its ports are published.
CMD ["collector", "--listen", "0.0.0.0:10301", "--data", "/data"]
