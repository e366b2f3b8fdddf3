"""Where a workflow can be watched in the Temporal UI."""

from urllib.parse import quote

from settings import Settings


def workflow_ui_url(settings: Settings, workflow_id: str | None) -> str | None:
    """None without `TEMPORAL_UI_URL`, or when no workflow was started."""
    if settings.temporal_ui_url is None or workflow_id is None:
        return None
    namespace = quote(settings.temporal_namespace, safe="")
    return f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')}"
