"""Builds the address at which a workflow can be watched in the Temporal UI."""

from urllib.parse import quote

from settings import Settings


def workflow_list_url(settings: Settings, query: str) -> str | None:
    """Returns where the Temporal UI lists the workflows that a query finds, or None when no Temporal UI is known."""
    address = settings.effective_temporal_ui_url
    if address is None:
        return None
    namespace = quote(settings.effective_temporal_namespace, safe="")
    return f"{address}/namespaces/{namespace}/workflows?query={quote(query, safe='')}"


def workflow_ui_url(settings: Settings, workflow_id: str | None) -> str | None:
    """Returns None when no Temporal UI is known, or when no workflow was started."""
    address = settings.effective_temporal_ui_url
    if address is None or workflow_id is None:
        return None
    namespace = quote(settings.effective_temporal_namespace, safe="")
    return f"{address}/namespaces/{namespace}/workflows/{quote(workflow_id, safe='')}"
