"""Names operations, such as `campaigns.launch`, in the OpenAPI document, in generated clients and in the audit log."""

from fastapi.routing import APIRoute

FILLERS = {"all", "one"}
"""Words in handlers' names that keep them apart from builtins and imports, such as `list_all` and `launch_one`."""


def operation_id(route: APIRoute) -> str:
    """Returns `area.verb`: the area and the handler's name without those words, as in `contact_imports.create` or
    `sequences.get_version`."""
    area = str(route.tags[0]).replace(" ", "_")
    return f"{area}.{'_'.join(word for word in route.name.split('_') if word not in FILLERS)}"
