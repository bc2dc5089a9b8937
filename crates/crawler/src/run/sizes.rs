//! What tables and partitions say of the sizes of their files.

use catalog::Parameters;

/// What a table or partition says of its files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) files: u64,
    records: u64,
    bytes: u64,
}

impl Sizes {
    const NAMES: [&str; 3] = ["objectCount", "recordCount", "sizeKey"];

    pub(super) fn of(parameters: Option<&Parameters>) -> Self {
        let number = |name: &str| parameters.and_then(|all| all.get(name)?.parse().ok()).unwrap_or(0);
        let [files, records, bytes] = Self::NAMES.map(number);
        Self { files, records, bytes }
    }

    pub(super) fn add(&mut self, files: u64, records: u64, bytes: u64) {
        self.files = self.files.saturating_add(files);
        self.records = self.records.saturating_add(records);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn subtract(&mut self, other: Self) {
        self.files = self.files.saturating_sub(other.files);
        self.records = self.records.saturating_sub(other.records);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }

    pub(super) fn write(self, parameters: Option<&mut Parameters>) {
        let Some(parameters) = parameters else { return };
        for (name, value) in Self::NAMES.into_iter().zip([self.files, self.records, self.bytes]) {
            parameters.insert(name.to_owned(), value.to_string());
        }
    }
}
