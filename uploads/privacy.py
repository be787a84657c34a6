"""The personal fields of files: people put names into file names, and pictures of themselves into files."""

from common import privacy

privacy.mark("uploads.File", name="erase", blur_data_url="erase", owner_id="pseudonymise")
