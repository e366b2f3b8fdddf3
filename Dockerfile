# One image for every role: `linkwake:0.1.0 api`, `redirect`, `worker`, `bounces`, `migrate`.
FROM python:3.13-slim-trixie AS packages
COPY requirements.lock /
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /requirements.lock

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin linkwake \
 && install --directory --owner linkwake --group linkwake /data
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/data
COPY --from=packages /venv /venv
WORKDIR /app
# What is copied is the list in .dockerignore: nothing that is not named there can end up in the image.
COPY . .
RUN python -m compileall -q .
USER linkwake
ENTRYPOINT ["python", "cli.py"]
CMD ["--help"]
