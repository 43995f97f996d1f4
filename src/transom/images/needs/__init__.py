"""Which packages of an image its entrypoint needs, as far as files and databases tell; the rest are candidates, never a fact.

What programs load by name while they run (plug-ins, modules of an interpreter, files that they read) is not among what files
tell: only watching them says so.
"""

from transom.images.needs.closure import Need, Needs, needs_of
from transom.images.needs.system import System, system_of_folder, system_of_image

__all__ = ["Need", "Needs", "System", "needs_of", "system_of_folder", "system_of_image"]
