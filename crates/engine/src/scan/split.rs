//! Cuts files into pieces and spreads the pieces over a plan's partitions.

use std::sync::Arc;

use datafusion::{datasource::listing::PartitionedFile, error::Result};
use formats::{ByteSource as _, Format};

use super::{ScanFile, Target};
use crate::EngineError;

/// No piece is made smaller than this, in bytes: opening one costs something too.
const MIN_PIECE_BYTES: u64 = 4 << 20;
/// Pieces are not made larger than this where the format allows, in bytes, so that idle partitions find work.
const MAX_PIECE_BYTES: u64 = 64 << 20;
/// Pieces per partition to aim at.
const PIECES_PER_PARTITION: u64 = 4;

/// Cuts and spreads `files` over at most `partitions` groups of about equal bytes, largest pieces first.
pub(crate) async fn groups(files: Vec<ScanFile>, partitions: usize) -> Result<Vec<Vec<PartitionedFile>>> {
    let total: u64 = files.iter().map(|file| file.object.size()).sum();
    let wanted = total / (partitions.max(1) as u64 * PIECES_PER_PARTITION);
    let piece_bytes = wanted.clamp(MIN_PIECE_BYTES, MAX_PIECE_BYTES);
    let mut pieces = Vec::with_capacity(files.len());
    for (number, file) in files.into_iter().enumerate() {
        cut(number, file, piece_bytes, &mut pieces).await?;
    }
    Ok(spread(pieces, partitions))
}

async fn cut(number: usize, file: ScanFile, piece_bytes: u64, out: &mut Vec<PartitionedFile>) -> Result<()> {
    let size = file.object.size();
    let ranges = match file.format.as_ref() {
        // Row groups belong to the range that their middle lies in, so any cut is right.
        Format::Parquet(_) => even_ranges(size, piece_bytes),
        text => {
            formats::plan_splits(file.object.as_ref(), text, piece_bytes).await.map_err(EngineError::from)?
        }
    };
    let whole = ranges.len() <= 1;
    let target = Target { object: file.object, format: file.format, starts: Arc::default() };
    for range in ranges {
        let mut piece = PartitionedFile::new(number.to_string(), size)
            .with_partition_values(file.partition_values.clone())
            .with_extension(target.clone());
        if !whole {
            piece = piece.with_range(range.start as i64, range.end as i64);
        }
        out.push(piece);
    }
    Ok(())
}

fn even_ranges(size: u64, piece_bytes: u64) -> Vec<std::ops::Range<u64>> {
    let count = size.div_ceil(piece_bytes).max(1);
    (0..count).map(|i| size * i / count..size * (i + 1) / count).collect()
}

/// Gives each piece, largest first, to the group that has least.
fn spread(mut pieces: Vec<PartitionedFile>, partitions: usize) -> Vec<Vec<PartitionedFile>> {
    let count = partitions.clamp(1, pieces.len().max(1));
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.effective_size()));
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); count];
    for piece in pieces {
        if let Some(lightest) = groups.iter_mut().min_by_key(|group| group.0) {
            // An empty file still costs the opening.
            lightest.0 += piece.effective_size().max(1);
            lightest.1.push(piece);
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_the_file_once() {
        for (size, piece) in [(0, 10), (1, 10), (10, 10), (11, 10), (1000, 7)] {
            let ranges = even_ranges(size, piece);
            assert_eq!(ranges.first().map(|range| range.start), Some(0));
            assert_eq!(ranges.last().map(|range| range.end), Some(size));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    #[test]
    fn spreads_by_size() {
        let pieces = [70, 10, 40, 30, 50].iter().map(|size| PartitionedFile::new("x", *size)).collect();
        let groups = spread(pieces, 2);
        let sums: Vec<u64> =
            groups.iter().map(|group| group.iter().map(PartitionedFile::effective_size).sum()).collect();
        assert_eq!(sums, [100, 100]);
        assert_eq!(spread(vec![PartitionedFile::new("x", 1)], 8).len(), 1);
    }
}
