"""The methods of CloudClient that move files."""

from __future__ import annotations

from collections.abc import Iterable

from batch_helpers.cloudops import transfers
from batch_helpers.cloudops.cloud import Files
from batch_helpers.cloudops.saying import say


class FilesFace:
    """Uploads and downloads; `_files` is given by the class that has them."""

    @property
    def _files(self) -> Files:
        raise NotImplementedError

    def create_blob_container(self, container_name: str) -> None:
        """Create a blob container; one that exists is no error."""
        self._files.create(container_name)

    def upload_files(
        self,
        files: str | Iterable[str],
        container_name: str,
        local_root_dir: str = ".",
        location_in_blob: str = ".",
    ) -> list[str]:
        """Upload files, named by their paths relative to local_root_dir, below a place in a container; their names."""
        names = [files] if isinstance(files, str) else list(files)
        pairs = [(f"{local_root_dir}/{name}", transfers.blob_name(location_in_blob, name)) for name in names]
        return transfers.upload(self._files, container_name, pairs)

    def upload_folders(
        self,
        folder_names: str | Iterable[str],
        container_name: str,
        include_extensions: str | Iterable[str] | None = None,
        exclude_extensions: str | Iterable[str] | None = None,
        exclude_patterns: str | Iterable[str] | None = None,
        location_in_blob: str = ".",
        force_upload: bool = False,
    ) -> list[str]:
        """Upload folders with what is below them, each under its own path; the names of what was uploaded.

        include_extensions, exclude_extensions: `.csv` or `csv`. exclude_patterns: of files and folders, such as
        `__pycache__`. force_upload: also files that are there with the same size.
        """
        chosen = transfers.Chosen(include_extensions, exclude_extensions, exclude_patterns)
        folders = [folder_names] if isinstance(folder_names, str) else folder_names
        paths = [f"{folder}/{name}" for folder in folders for name in transfers.files_below(folder, chosen)]
        pairs = [(path, transfers.blob_name(location_in_blob, path)) for path in paths]
        if not force_upload:
            pairs = transfers.changed(self._files, container_name, pairs)
        return transfers.upload(self._files, container_name, pairs)

    def download_file(
        self, src_path: str, dest_path: str, container_name: str, do_check: bool = True, check_size: bool = True
    ) -> None:
        """Download a file of a container. NotFound when there is none, ServiceError when its size is not right."""
        check = do_check and check_size
        transfers.download_one(self._files, container_name, src_path, dest_path, check_size=check)

    def download_folder(
        self,
        src_path: str,
        dest_path: str,
        container_name: str,
        include_extensions: str | Iterable[str] | None = None,
        exclude_extensions: str | Iterable[str] | None = None,
        verbose: bool = True,
        check_size: bool = True,
    ) -> list[str]:
        """Download what is below a folder of a container into dest_path; the paths. NotFound when there is nothing."""
        chosen = transfers.Chosen(include_extensions, exclude_extensions)
        paths = transfers.download_folder(
            self._files, container_name, src_path, dest_path, chosen, check_size=check_size
        )
        if verbose:
            say(f"downloaded {len(paths)} files of {container_name}/{src_path} to {dest_path}")
        return paths

    def list_blob_files(self, container_name: str, folder: str = "") -> list[str]:
        """The names of the files in a container, or in a folder of it, in order."""
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        return [name for name, _ in self._files.sizes(container_name, prefix)]
