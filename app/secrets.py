"""Where this site's secrets are: files that only we can read, and, where the configuration names one, a Vault."""

from app.config import Config
from workflows.drivers.secrets import FileSecrets
from workflows.engine.ports import Secrets


def make_secrets(config: Config) -> Secrets:
    """The provider; no traffic yet."""
    files = FileSecrets(config.secrets)
    vault = config.vault
    if vault is None:
        return files
    from workflows.drivers.vault import (
        VaultPlace,
        VaultSecrets,
    )  # it loads requests, which the command line does without

    return VaultSecrets(VaultPlace(vault.url, vault.token_file, vault.mount, vault.prefix, vault.ca), files)
