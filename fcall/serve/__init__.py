"""A server of local functions over the wire APIs of the clouds, and the door for those who bring it another API.

`Server` runs it in this process; the command ``fcall serve`` is made of it. The server knows no vendor: an installed
plugin contributes its APIs by entry points of the group ``fcall.apis``, each of which is an object that keeps to `Api`.
"""

from __future__ import annotations

from fcall.serve._api import Answer, Api, Call, Catalogue, Function, Keys, Outcome, Request, Rules
from fcall.serve._server import Server

__all__ = ["Answer", "Api", "Call", "Catalogue", "Function", "Keys", "Outcome", "Request", "Rules", "Server"]
