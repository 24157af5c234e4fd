import COneDNN

/// How many threads an operation may use, for each thread of the program that calls operations.
///
/// A compute slot sets one; a single image in a hurry sets all cores. OpenMP keeps the number for each calling
/// thread, so that slots do not disturb one another.
public enum ComputeThreads {
    /// Operations called from the current thread use `count` threads from now on (at least one).
    public static func set(_ count: Int) { nn_set_compute_threads(Int32(clamping: count)) }

    /// What the current thread has.
    public static var current: Int { Int(nn_compute_threads()) }
}
