import Archives
import Cluster
import Ledger
import PostgreSQL
import Stages

/// Which exit code an error of the rooms below stands for: set-ups that cannot work are told from work that failed.
enum FailureKind {
    static func status(of error: any Error) -> ExitStatus {
        switch error {
        case let error as ClusterError:
            return [.configuration, .refused, .unreachable, .ledger].contains(error.code) ? .configuration : .failed
        case is LedgerError, is PostgreSQLError, is ArchiveError: return .configuration
        case let error as StageError: return [.invalidSettings, .parameters, .machine].contains(error.code) ? .configuration : .failed
        default: return .failed
        }
    }
}
