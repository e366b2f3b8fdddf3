"""What the API's handlers work with, made once by `api/app.py`."""

from dataclasses import dataclass

from temporalio.client import Client

from activities.starter import Starter
from models.database import Database
from settings import Settings


@dataclass(frozen=True)
class Services:
    settings: Settings
    database: Database
    temporal: Client
    starter: Starter
