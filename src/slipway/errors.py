"""What can go wrong, by name. Every message says what, where, what was expected, what came, and what to do next."""


class SlipwayError(Exception):
    """The base of every error a person is meant to read; anything else that escapes is a bug."""


class SpecError(SlipwayError, ValueError):
    """A model file declares something that cannot be true."""


class UnknownModelError(SlipwayError, LookupError):
    """No model of that name is in the catalogue."""


class OriginUnreachableError(SlipwayError):
    """The data set's address did not answer, or answered 5xx; asking again may help."""


class DatasetNotFoundError(SlipwayError):
    """The data set's address answered, but has no such file; asking again will not help."""


class DatasetChangedError(SlipwayError):
    """The file at the address is not the file whose checksum the model pins."""


class MissingExtraError(SlipwayError):
    """An address needs packages that are installed only where they are asked for."""


class SnapshotNotFoundError(SlipwayError, LookupError):
    """No recorded rows of that model have such a checksum, or more than one has."""


class InvalidRowsError(SlipwayError, ValueError):
    """The rows break the model's column declarations; the message lists every violation."""


class RegistryUnavailableError(SlipwayError):
    """MLflow's tracking server or database does not answer."""


class RegistryError(SlipwayError):
    """The registry has no such version, or the version lacks what a release gives one."""


class RollbackError(SlipwayError):
    """There is no version to go back to, or the one that was named must not be; nothing was changed."""


class CannotCompileError(SlipwayError):
    """A part of a measured model has no equal in any engine of a bundle."""


class ParityError(SlipwayError):
    """The compiled model does not answer as the measured model does."""


class BundleError(SlipwayError):
    """A bundle is incomplete, altered, or of a format this version cannot read."""


class UnsafeModelError(SlipwayError):
    """A stored model holds types that are not on the allow-list, so it was not loaded."""


class ServingError(SlipwayError):
    """The gateway did not put the bundle into service."""


class OutcomesError(SlipwayError):
    """A file of outcomes was not told to its end, or what was wrong with it cannot be written; the message says what is recorded."""


class ScoringError(SlipwayError):
    """A file cannot be scored, or its predictions cannot be written; nothing was written under their name."""


class GatewayUnreachableError(ServingError):
    """The gateway does not answer; it may be restarting, so asking again may help."""


class SmokeTestError(SlipwayError):
    """The endpoint answered, but not as the measured model did."""


class EndpointUnreachableError(SmokeTestError):
    """The endpoint broke off or did not answer; it may be restarting, so asking again may help."""


class ReleaseInProgressError(SlipwayError):
    """Another release or rollback of the same model runs, or a release of it waits for approval."""


class WatchError(SlipwayError):
    """There is nothing to watch, or what was served cannot be compared with what was learnt from."""


class SimulationError(SlipwayError, ValueError):
    """A simulation was asked for that cannot be, or its rows or outcomes were not taken."""


class NotInServiceError(WatchError):
    """The model has no version in service yet."""


class ChallengeError(SlipwayError):
    """There is nothing to challenge, or no challenger to promote; nothing was changed."""


class ApprovalError(SlipwayError):
    """Nothing waits for approval, or what was decided did not reach the release that waits."""


class PlatformError(SlipwayError):
    """A local service did not start, or stopped; the message carries its last log lines."""


class PortTakenError(PlatformError):
    """A port that Slipway needs is held by another process."""


class BackupError(SlipwayError):
    """A backup cannot be made or put back; what was there is as it was."""
