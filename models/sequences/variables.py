"""The variables of an enrollment: what enrolls a contact gives them, and the messages of the enrollment can use them."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from models.contacts.input import properties_size, property_problem
from models.texts.text import storable

MAX_VARIABLES = 20
MAX_VARIABLES_BYTES = 4 * 1024


def checked_variables(variables: dict[str, Any]) -> dict[str, Any]:
    for name, value in variables.items():
        if problem := property_problem(name):
            raise ValueError(problem.replace("a property", "a variable"))
        if not isinstance(value, str | int | float | None):
            raise ValueError(f"{name} has to be a text, a number, true, false or null.")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} has to be a number that can be written down.")
        if isinstance(value, str):
            storable(value)
    if properties_size(variables) > MAX_VARIABLES_BYTES:
        raise ValueError("All variables together may have 4 KB.")
    return variables


Variables = Annotated[
    dict[str, Any],
    Field(
        max_length=MAX_VARIABLES,
        description="At most 20 texts, numbers, true, false or null, 4 KB in all. The messages of the enrollment read them as "
        "`{{ enrollment.variables.NAME }}`.",
        examples=[{"offer": "spring", "discount": 10}],
    ),
    AfterValidator(checked_variables),
]
