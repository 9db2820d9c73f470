"""Where ODK Validate is: pyxform brings it along."""

import shutil
from importlib import resources
from pathlib import Path

JAR = Path(str(resources.files("pyxform").joinpath("validators/odk_validate/bin/ODK_Validate.jar")))


def why_skipped() -> str | None:
    if shutil.which("java") is None:
        return "there is no java here"
    return None if JAR.exists() else "pyxform came without ODK Validate"
