# One image for web, worker and scheduler; docker-compose.yml says which is which.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r requirements.txt
COPY . .
# Collecting needs the settings but no server and no secret.
RUN DATABASE_URL=postgresql://build@/build REDIS_URL=redis://build /venv/bin/python manage.py collectstatic --noinput -v 0

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 SKILLORA_ENV=production SKILLORA_HOME=/data HOST=0.0.0.0 PORT=8000 WEB_PROCESSES=2
RUN useradd --system --uid 10001 --create-home skillora && install -d -o skillora -g skillora /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER skillora
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "-m", "skillora.web"]
