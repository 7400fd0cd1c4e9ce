"""An SDK in the shape of lecoresdk 1.1, which is on no package index: what is known of its calls, and no more."""

from .fc import Client as Client
