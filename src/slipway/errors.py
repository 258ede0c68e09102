"""What can go wrong, by name. Every message says what and where, what was expected and received, and what to do next."""


class SlipwayError(Exception):
    """The base of all errors that are written for people; any other error that escapes is a bug."""


class DeclinedError(SlipwayError):
    """Something is wrong with the request, and nothing with the platform. Nothing was changed. The person who made the request reads
    the message, and nobody else is notified."""


class SpecError(SlipwayError, ValueError):
    """A model file declares something that cannot be true."""


class UnknownModelError(DeclinedError, LookupError):
    """No model of that name is in the catalogue."""


class OriginUnreachableError(SlipwayError):
    """The data set's address did not answer, or answered 5xx; another attempt may help."""


class OriginChangingError(OriginUnreachableError):
    """The rows at the address were written while they were read; another attempt may help."""


class DatasetNotFoundError(SlipwayError):
    """The data set's address answered, but has no such file; another attempt will not help."""


class DatasetChangedError(SlipwayError):
    """The file at the address is not the file whose checksum the model pins."""


class MissingExtraError(SlipwayError):
    """An address needs optional packages that are not installed."""


class RowsGoneError(DeclinedError):
    """A release cannot be repeated: the log has not all of the rows any more that it learnt from."""


class SnapshotNotFoundError(DeclinedError, LookupError):
    """No recorded rows of that model have such a checksum, or several have."""


class DraftError(SlipwayError):
    """No model's file can be drafted from a table."""


class InvalidRowsError(SlipwayError, ValueError):
    """The rows break the model's column declarations; the message lists every violation."""


class RegistryUnavailableError(SlipwayError):
    """MLflow's tracking server or database does not answer."""


class RegistryError(DeclinedError):
    """The registry has no such version, or no release made it."""


class RollbackError(DeclinedError):
    """There is no version to go back to, or the named one cannot be; nothing was changed."""


class StoppedError(SlipwayError):
    """The run was cancelled or has crashed, or a person holds automations back; nothing more was changed."""


class CannotCompileError(SlipwayError):
    """No engine of a bundle can express a part of a measured model."""


class ParityError(SlipwayError):
    """The compiled model does not answer as the measured model does."""


class BundleError(SlipwayError):
    """A bundle is incomplete, altered, or of a format that this version cannot read."""


class AdoptedModelError(SlipwayError):
    """A version that was made elsewhere cannot be adopted, or what was stored of it is gone."""


class UnstorableEstimatorError(DeclinedError):
    """The estimator of a model's file could not be stored or served as it is measured, so nothing was searched."""


class UnsafeModelError(SlipwayError):
    """A stored model contains types that are not on the allow-list, so it was not loaded."""


class ServingError(SlipwayError):
    """The gateway did not put the bundle into service."""


class OutcomesError(SlipwayError):
    """A file of outcomes was not sent completely, or the reasons file cannot be written; the message says what is recorded."""


class ScoringError(DeclinedError):
    """A file cannot be scored, or its predictions cannot be written; nothing was written under their name."""


class GatewayUnreachableError(ServingError):
    """The gateway does not answer; it may be restarting, so another attempt may help."""


class SmokeTestError(SlipwayError):
    """The endpoint answered, but not as the measured model did."""


class EndpointUnreachableError(SmokeTestError):
    """The endpoint broke off or did not answer; it may be restarting, so another attempt may help."""


class ReleaseInProgressError(DeclinedError):
    """Another release or rollback of the same model is running, or a release of it waits for approval."""


class LockNotReturnedError(SlipwayError):
    """A rollback that began while a release waited for approval has not ended, so the release cannot go on."""


class WatchError(SlipwayError):
    """There is nothing to watch, or served rows cannot be compared with the training rows."""


class SimulationError(SlipwayError, ValueError):
    """A simulation is not possible as requested, or its rows or outcomes were refused."""


class NotInServiceError(WatchError):
    """The model has no version in service yet."""


class ChallengeError(DeclinedError):
    """There is nothing to challenge, or no challenger to promote; nothing was changed."""


class ApprovalError(SlipwayError):
    """Nothing waits for approval, or the decision did not reach the release that waits."""


class PlatformError(SlipwayError):
    """A local service did not start, or stopped; the message has its last log lines."""


class PortTakenError(PlatformError):
    """Another process uses a port that Slipway needs."""


class StorageError(SlipwayError):
    """The disk is full, a place cannot be written, or a database is busy or damaged."""


class BackupError(SlipwayError):
    """A backup cannot be made or restored; everything is as it was."""
