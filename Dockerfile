# The production image: one process, no compiler, no root. It refuses to start without its secrets.
FROM python:3.12-slim AS packages
COPY requirements.lock /tmp/
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

FROM python:3.12-slim
ENV YZT_ENV=production YZT_HOST=0.0.0.0 YZT_DATA_DIR=/var/lib/yizhitong \
    PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --create-home --home-dir /var/lib/yizhitong yizhitong
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY server server
COPY miniprogram_api miniprogram_api
COPY content content
RUN chmod -R a+rX /app
USER yizhitong
VOLUME /var/lib/yizhitong
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD \
  ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
CMD ["python", "-m", "server"]
