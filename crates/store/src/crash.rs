//! Named places at which a test makes the process stop as if the power had failed.
//!
//! Inert unless the binary arms it from its configuration. A point that is hit writes its name to a marker
//! file, syncs it and sends the process SIGKILL at that very spot, so that a test can prove where it stopped.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The named points of this crate.
pub const POINTS: &[&str] = &[BEFORE_COMMIT, AFTER_COMMIT];
/// Everything is written, nothing committed.
pub(crate) const BEFORE_COMMIT: &str = "store.commit.before";
/// Committed, but nobody was told.
pub(crate) const AFTER_COMMIT: &str = "store.commit.after";

static ARMED: OnceLock<Armed> = OnceLock::new();

struct Armed {
    name: String,
    /// Hits that pass before the one that stops the process.
    passes_left: AtomicU64,
    marker: PathBuf,
}

/// Why [`arm`] was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArmError {
    /// Not `name` or `name@hit` with a hit of at least 1.
    #[error("{spec:?} is not name or name@hit")]
    Spec {
        /// What was given.
        spec: String,
    },
    /// A point is armed already; once per process.
    #[error("a crash point is armed already")]
    Twice,
}

/// Arms one point for the rest of the process's life. `spec` is `name` (stop at the first hit) or `name@hit`
/// (stop at that hit, from 1); the name goes to the file `marker` before the process stops.
///
/// # Errors
/// [`ArmError`]; nothing is armed then.
pub fn arm(spec: &str, marker: &Path) -> Result<(), ArmError> {
    let refused = || ArmError::Spec { spec: spec.to_owned() };
    let (name, hit) = match spec.split_once('@') {
        Some((name, hit)) => (name, hit.parse::<u64>().map_err(|_| refused())?),
        None => (spec, 1),
    };
    if name.is_empty() || hit == 0 {
        return Err(refused());
    }
    let armed =
        Armed { name: name.to_owned(), passes_left: AtomicU64::new(hit - 1), marker: marker.to_owned() };
    ARMED.set(armed).map_err(|_| ArmError::Twice)
}

/// A place where the process may be made to stop. Costs one atomic load when nothing is armed.
pub fn point(name: &'static str) {
    let Some(armed) = ARMED.get() else { return };
    if armed.name != name {
        return;
    }
    let passes =
        armed.passes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if passes.is_ok() {
        return;
    }
    if let Err(error) = mark(&armed.marker, name) {
        // Without its mark the crash proves nothing, but going on would prove less.
        tracing::error!(%error, "cannot write the crash marker");
    }
    kill();
}

fn mark(path: &Path, name: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{name}\n").as_bytes())?;
    file.sync_all()
}

#[expect(unsafe_code, reason = "raising SIGKILL has no safe form in the standard library")]
fn kill() {
    // SAFETY: both calls take and return plain integers and touch no memory of ours.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_that_is_not_armed_does_nothing() {
        let marker = Path::new("unused");
        for spec in ["", "@1", "a@0", "a@x"] {
            assert_eq!(arm(spec, marker), Err(ArmError::Spec { spec: spec.to_owned() }));
        }
        point("nothing");
        assert!(arm("elsewhere@2", marker).is_ok());
        assert_eq!(arm("other", marker), Err(ArmError::Twice));
        point("nothing");
    }
}
