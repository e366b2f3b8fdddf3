"""The running stack that the demo and `./linkwake try` talk to, and whether it is this project's."""

import httpx
import psutil

from demo.client import DemoError
from settings import Settings


def api_address(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.api_port}"


def is_running(settings: Settings) -> bool:
    """An API that answers but is not ready also counts, because a busy machine may not be ready at this moment."""
    try:
        answer = httpx.get(f"{api_address(settings)}/health/ready", timeout=30, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE)


def is_ours(settings: Settings) -> bool:
    """Whether the embedded stack of this VAR_DIR runs. With DATABASE_URL set, only the first use of an API key shows it."""
    pid = int(settings.stack_state.get("pid", 0))
    return bool(settings.database_url) or (pid > 0 and psutil.pid_exists(pid))


def another_stack(settings: Settings) -> DemoError:
    return DemoError(
        f"the API at port {settings.api_port} is not the one of this stack (VAR_DIR={settings.var_dir}): set API_PORT and "
        "REDIRECT_PORT to this stack's ports, or to free ones and it is started."
    )
