//! Compound files, a file system within a file: what `.xls` and other old documents of Office are. Layout: [MS-CFB].
//!
//! The streams at the top are found by name, those of documents within the document are not. Memory: the file, its table of
//! sectors (1 % of it), the directory, and the one stream that is asked for. Every chain of sectors has at most as many as the
//! file, so that none runs in a circle.

use bytes::Bytes;

use super::binary::{decoded, short, word};
use super::flaw;
use crate::error::Problem;

pub(crate) const MAGIC: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
const MINI_SHIFT: u16 = 6;
/// Streams below this size are in small sectors of their own.
const MINI_LIMIT: usize = 4096;
/// The first of the numbers that are no sectors.
const NO_SECTOR: u32 = 0xffff_fffa;
const END_OF_CHAIN: u32 = 0xffff_fffe;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// An entry of the directory.
#[derive(Debug)]
struct Entry {
    name: String,
    kind: u8,
    left: u32,
    right: u32,
    child: u32,
    start: u32,
    size: usize,
}

/// A compound file in memory.
#[derive(Debug)]
pub(super) struct Compound {
    data: Bytes,
    shift: u16,
    fat: Vec<u32>,
    mini_fat_start: u32,
    entries: Vec<Entry>,
    /// Places of the entries at the top.
    top: Vec<usize>,
}

impl Compound {
    pub(super) fn open(data: Bytes) -> Result<Self, Problem> {
        let shift = short(&data, 30)?;
        if !data.starts_with(MAGIC) || !matches!(shift, 9 | 12) || short(&data, 32)? != MINI_SHIFT {
            return Err(flaw("the header of its compound file is damaged"));
        }
        let mini_fat_start = word(&data, 60)?;
        let directory_start = word(&data, 48)?;
        let mut file =
            Self { data, shift, fat: Vec::new(), mini_fat_start, entries: Vec::new(), top: Vec::new() };
        file.fat = file.table()?;
        let directory = file.chain(directory_start, usize::MAX)?;
        let large = shift == 12;
        file.entries =
            directory.chunks_exact(ENTRY_BYTES).map(|e| entry(e, large)).collect::<Result<_, _>>()?;
        file.top = file.names_at_top();
        Ok(file)
    }

    /// The names at the top.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.top.iter().map(|at| self.entries[*at].name.as_str())
    }

    /// The stream at the top of that name, in any case. Errors: a damaged chain of sectors, or one that ends early.
    pub(super) fn stream(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let named = |entry: &&Entry| entry.kind == STREAM && entry.name.eq_ignore_ascii_case(name);
        let Some(entry) = self.top.iter().map(|at| &self.entries[*at]).find(named) else { return Ok(None) };
        let bytes = match entry.size {
            0 => Vec::new(),
            size if size < MINI_LIMIT => self.small(entry)?,
            size => self.chain(entry.start, size)?,
        };
        if bytes.len() < entry.size {
            return Err(flaw(format!("its stream {name} ends early")));
        }
        Ok(Some(bytes))
    }

    fn sectors(&self) -> usize {
        self.data.len().saturating_sub(1) >> self.shift
    }

    /// The bytes of a sector; of the file's last one perhaps not all.
    fn sector(&self, number: u32) -> Result<&[u8], Problem> {
        let start = (number as usize + 1) << self.shift;
        let end = (start + (1 << self.shift)).min(self.data.len());
        let sector = self.data.get(start..end).filter(|sector| !sector.is_empty());
        sector.ok_or_else(|| flaw(format!("it has no sector {number}: it is cut short or damaged")))
    }

    /// The table that says which sector follows which.
    fn table(&self) -> Result<Vec<u32>, Problem> {
        let sectors = self.sectors();
        let mut table = Vec::with_capacity(sectors);
        let mut places: Vec<u32> = words(self.data.get(76..HEADER_BYTES).unwrap_or_default()).collect();
        let (mut next, mut steps) = (word(&self.data, 68)?, 0);
        loop {
            for place in places.drain(..).filter(|place| *place < NO_SECTOR) {
                if table.len() >= sectors {
                    return Ok(table);
                }
                table.extend(words(self.sector(place)?));
            }
            if next >= NO_SECTOR || steps >= sectors {
                return Ok(table);
            }
            steps += 1;
            places = words(self.sector(next)?).collect();
            next = places.pop().unwrap_or(END_OF_CHAIN);
        }
    }

    /// The bytes of a chain of sectors, at most `limit` of them.
    fn chain(&self, start: u32, limit: usize) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        for number in links(start, &self.fat, self.sectors()) {
            let sector = self.sector(number?)?;
            bytes.extend_from_slice(&sector[..sector.len().min(limit - bytes.len())]);
            if bytes.len() >= limit {
                break;
            }
        }
        Ok(bytes)
    }

    /// A stream in small sectors, which lie in a stream of their own.
    fn small(&self, entry: &Entry) -> Result<Vec<u8>, Problem> {
        let root = self.entries.first().filter(|root| root.kind == ROOT);
        let root = root.ok_or_else(|| flaw("the directory of its compound file has no root"))?;
        let within = self.chain(root.start, root.size)?;
        let table = self.chain(self.mini_fat_start, usize::MAX)?;
        let table: Vec<u32> = words(&table).collect();
        let mut bytes = Vec::new();
        for number in links(entry.start, &table, MINI_LIMIT >> MINI_SHIFT) {
            let start = (number? as usize) << MINI_SHIFT;
            let end = (start + (1 << MINI_SHIFT)).min(within.len());
            let sector = within.get(start..end).ok_or_else(|| flaw("a small stream lies outside of it"))?;
            bytes.extend_from_slice(&sector[..sector.len().min(entry.size - bytes.len())]);
            if bytes.len() >= entry.size {
                break;
            }
        }
        Ok(bytes)
    }

    /// The entries right below the root: a tree by left and right.
    fn names_at_top(&self) -> Vec<usize> {
        let mut seen = vec![false; self.entries.len()];
        let mut open = vec![self.entries.first().map_or(NO_SECTOR, |root| root.child)];
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            let at = at as usize;
            let Some(entry) = self.entries.get(at).filter(|_| !seen[at]) else { continue };
            seen[at] = true;
            found.push(at);
            open.extend([entry.left, entry.right]);
        }
        found
    }
}

/// The numbers of a chain, at most `most` of them: more run in a circle.
fn links(start: u32, table: &[u32], most: usize) -> impl Iterator<Item = Result<u32, Problem>> {
    let (mut next, mut steps) = (Some(start), 0);
    std::iter::from_fn(move || {
        let number = next.take().filter(|number| *number != END_OF_CHAIN)?;
        steps += 1;
        if steps > most {
            return Some(Err(flaw("a chain of sectors runs in a circle")));
        }
        if number >= NO_SECTOR {
            return Some(Err(flaw("a chain of sectors is broken")));
        }
        // What the table does not know is the chain's end.
        next = table.get(number as usize).copied();
        Some(Ok(number))
    })
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

fn entry(bytes: &[u8], large: bool) -> Result<Entry, Problem> {
    let units = bytes[..64].chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    // Files of small sectors have nothing of note in the upper half of the size.
    let upper = if large { u64::from(word(bytes, 124)?) } else { 0 };
    let size = u64::from(word(bytes, 120)?) | upper << 32;
    Ok(Entry {
        name: decoded(units.take_while(|unit| *unit != 0)),
        kind: bytes[66],
        left: word(bytes, 68)?,
        right: word(bytes, 72)?,
        child: word(bytes, 76)?,
        start: word(bytes, 116)?,
        size: usize::try_from(size).unwrap_or(usize::MAX),
    })
}
