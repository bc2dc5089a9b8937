//! What workers are: data processing units, processors, memory.
//!
//! Source: AWS Glue Web API reference, Job (`WorkerType`, `MaxCapacity`): a unit is four processors and 16 GiB.

use engine::Engine;
use serde_json::{Map, Value};

/// Bytes of a gibibyte.
pub(crate) const GIB: u64 = 1 << 30;

/// One worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Worker {
    /// Data processing units that it counts as.
    pub(crate) units: f64,
    /// Virtual processors.
    pub(crate) processors: usize,
    /// Memory in GiB.
    pub(crate) gib: u64,
}

/// The worker of a type; `None` for types that AWS does not have.
pub(crate) fn worker(worker_type: &str) -> Option<Worker> {
    let (units, processors, gib) = match worker_type {
        "G.025X" => (0.25, 2, 4),
        "Standard" | "G.1X" => (1.0, 4, 16),
        "R.1X" => (1.0, 4, 32),
        "G.2X" => (2.0, 8, 32),
        "R.2X" | "Z.2X" => (2.0, 8, 64),
        "G.4X" => (4.0, 16, 64),
        "R.4X" => (4.0, 16, 128),
        "G.8X" => (8.0, 32, 128),
        "R.8X" => (8.0, 32, 256),
        "G.12X" => (12.0, 48, 192),
        "G.16X" => (16.0, 64, 256),
        _ => return None,
    };
    Some(Worker { units, processors, gib })
}

/// What all workers of a run are together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Capacity {
    /// Data processing units.
    pub(crate) units: f64,
    /// Virtual processors, at least one.
    pub(crate) processors: usize,
    /// Memory.
    pub(crate) memory_bytes: u64,
}

impl Capacity {
    /// The capacity in a run's or a job's completed members (`WorkerType`, `NumberOfWorkers`, `MaxCapacity`).
    pub(crate) fn of(members: &Map<String, Value>) -> Self {
        let units = members.get("MaxCapacity").and_then(Value::as_f64).unwrap_or_default().max(0.0);
        let worker_type = members.get("WorkerType").and_then(Value::as_str).and_then(worker);
        let count = members.get("NumberOfWorkers").and_then(Value::as_u64);
        if let (Some(worker), Some(count)) = (worker_type, count) {
            let processors = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(worker.processors);
            let memory_bytes = count.saturating_mul(worker.gib.saturating_mul(GIB));
            return Self { units, processors: processors.max(1), memory_bytes };
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "not negative, and what is too much ends at the most there is"
        )]
        let (processors, memory_bytes) = ((units * 4.0).ceil() as usize, (units * 16.0 * GIB as f64) as u64);
        Self { units, processors: processors.max(1), memory_bytes }
    }

    /// What of the engine a run of this capacity has: all of it when no capacity was asked for.
    pub(crate) fn part_of(&self, engine: &Engine) -> Engine {
        if self.memory_bytes == 0 {
            return engine.clone();
        }
        engine.part(usize::try_from(self.memory_bytes).unwrap_or(usize::MAX), self.processors)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(members: Value) -> (f64, usize, u64) {
        let found = Capacity::of(members.as_object().unwrap());
        (found.units, found.processors, found.memory_bytes / GIB)
    }

    #[test]
    fn workers_add_up() {
        assert_eq!(
            of(json!({"WorkerType": "G.025X", "NumberOfWorkers": 2, "MaxCapacity": 0.5})),
            (0.5, 4, 8)
        );
        assert_eq!(
            of(json!({"WorkerType": "R.4X", "NumberOfWorkers": 3, "MaxCapacity": 12.0})),
            (12.0, 48, 384)
        );
        assert_eq!(of(json!({"MaxCapacity": 10.0})), (10.0, 40, 160));
        assert_eq!(of(json!({"MaxCapacity": 0.0625})), (0.0625, 1, 1));
        assert_eq!(of(json!({})), (0.0, 1, 0));
        let all = json!({"WorkerType": "G.16X", "NumberOfWorkers": u64::MAX, "MaxCapacity": 1e300});
        assert_eq!(Capacity::of(all.as_object().unwrap()).memory_bytes, u64::MAX);
    }
}
