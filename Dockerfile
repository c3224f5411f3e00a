# The broker's image:  docker build -t support-access-broker .
#
# Run it with its file system read-only; what it writes goes to the volume and to /tmp:
#   docker run --read-only --tmpfs /tmp --init --cap-drop ALL --stop-timeout 45 \
#     --volume broker:/var/lib/broker --publish 8080:8080 --env-file broker.env \
#     support-access-broker
#
# Only named paths are copied, so neither the history nor a local store or key can get in.

# A release of Debian, so that a rebuild brings security fixes and not another system.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# The compiler of this stage is for gunicorn's request parser, which comes as C only.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
# What builds wheels is locked too: setuptools, which stands in the lock of the development tools.
COPY tests/requirements.txt build-requirements.txt
RUN sed -n '/^setuptools==/,/[^\\]$/p' build-requirements.txt > setuptools.txt \
    && pip install --no-deps --require-hashes -r setuptools.txt
# The lock before the code, so that a change of code does not build everything anew. It is complete:
# resolved again, a release of today could ask for what it does not pin.
COPY requirements.txt ./
RUN pip wheel --no-deps --require-hashes --no-build-isolation \
    --only-binary :all: --no-binary gunicorn-h1c --wheel-dir /wheels -r requirements.txt
# The code as a wheel: it brings the `broker` command and leaves caches and stray files behind.
COPY pyproject.toml README.md ./
COPY keys/ keys/
COPY broker/ broker/
RUN pip wheel --no-build-isolation --no-deps --no-index --wheel-dir /wheels .
# Without pip: nothing is installed into a running container.
RUN python -m venv --without-pip /opt/broker \
    && pip --python /opt/broker/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${BASE}
# A number, because Kubernetes' runAsNonRoot cannot look up a name; 65532 has no entry anywhere.
# The store demands a folder of its own that is closed to everybody else.
RUN install --directory --owner 65532 --group 65532 --mode 0700 /var/lib/broker
COPY --from=build /opt/broker /opt/broker
WORKDIR /srv/broker
COPY wsgi.py ./
ENV PATH=/opt/broker/bin:$PATH \
    # The code's folders are read-only; pip has compiled it already.
    PYTHONDONTWRITEBYTECODE=1 \
    # Every log line leaves at once, even if the process is killed after it.
    PYTHONUNBUFFERED=1 \
    # Inside a container, 127.0.0.1 is reachable by nobody.
    BROKER_BIND=0.0.0.0:8080 \
    BROKER_STORE_URL=embedded:/var/lib/broker/store \
    BROKER_LOCAL_KEYS_FOLDER=/var/lib/broker/keys
VOLUME /var/lib/broker
EXPOSE 8080
USER 65532:65532
# gunicorn ends gracefully on it: sessions under way are finished and recorded, in up to 40 seconds.
STOPSIGNAL SIGTERM
# Whether the process answers, not whether it is ready: restarting it mends no store. http.client,
# because urllib would ask a proxy of the environment.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", \
    "import http.client, os, sys; port = os.environ['BROKER_BIND'].rpartition(':')[2]; server = http.client.HTTPConnection('127.0.0.1', int(port), timeout=4); server.request('GET', '/healthz'); sys.exit(server.getresponse().status != 200)"]
# In exec form, so that gunicorn itself gets the signal; its settings are all in that module.
ENTRYPOINT ["gunicorn", "-c", "python:broker.web.gunicorn_conf", "wsgi:app"]
