//! Repairs the checksums of a mutated file, so that its bytes reach the code behind them. The
//! layout is that of wildsgd's `container` module.

const PAGE: usize = 4096;
const CHUNK: usize = 1 << 18;
const HEADER_SUM_AT: usize = PAGE - 4;
const FILE_BYTES_AT: usize = 16;
const SECTION_COUNT_AT: usize = 28;
const SECTIONS_AT: usize = 32;
const SECTION: usize = 24;
const MOST_SECTIONS: usize = 16;
/// Larger files are not made of a header's word alone.
const MOST_BYTES: usize = 1 << 20;

/// `file` under right checksums, wherever its header says that they are.
pub(crate) fn with_checksums(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    if file.len() < PAGE {
        return file;
    }
    let end = |&(start, bytes): &(usize, usize)| start.checked_add(bytes);
    if let Some(extents) = extents(&file)
        && let Some(mut at) = extents.last().map_or(Some(PAGE), end)
    {
        let mut sums = Vec::new();
        for extent in &extents {
            let section = end(extent).and_then(|end| file.get(extent.0..end)).unwrap_or_default();
            sums.extend(
                section.chunks(CHUNK).flat_map(|chunk| crc32fast::hash(chunk).to_le_bytes()),
            );
        }
        sums.extend(crc32fast::hash(&sums).to_le_bytes());
        for byte in sums {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
            at = at.saturating_add(1);
        }
    }
    let sum = crc32fast::hash(&file[..HEADER_SUM_AT]);
    put(&mut file, HEADER_SUM_AT, &sum.to_le_bytes());
    file
}

/// `file` with sections that follow each other and fill it, under right checksums. The sizes of the
/// sections and the facts stay as they are.
pub(crate) fn laid_out(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    if file.len() < PAGE {
        return file;
    }
    put(&mut file, 24, &(CHUNK as u32).to_le_bytes());
    let count = (u32_at(&file, SECTION_COUNT_AT) as usize).min(MOST_SECTIONS);
    put(&mut file, SECTION_COUNT_AT, &(count as u32).to_le_bytes());
    let (mut start, mut chunks) = (PAGE, 0);
    for at in (0..count).map(|section| SECTIONS_AT + section * SECTION) {
        let bytes = u64_at(&file, at + 16);
        let Some(padded) = usize::try_from(bytes).ok().filter(|&bytes| bytes <= MOST_BYTES) else {
            return with_checksums(&file);
        };
        put(&mut file, at + 8, &(start as u64).to_le_bytes());
        let padded = padded.next_multiple_of(PAGE);
        start += padded;
        chunks += padded.div_ceil(CHUNK);
    }
    let length = start + 4 * (chunks + 1);
    file.resize(length, 0);
    put(&mut file, FILE_BYTES_AT, &(length as u64).to_le_bytes());
    with_checksums(&file)
}

/// First byte and padded bytes of each section, as far as they make sense.
fn extents(file: &[u8]) -> Option<Vec<(usize, usize)>> {
    let count = u32_at(file, SECTION_COUNT_AT) as usize;
    let extent = |section: usize| {
        let at = SECTIONS_AT + section * SECTION;
        let bytes = u64_at(file, at + 16).checked_next_multiple_of(PAGE as u64)?;
        Some((usize::try_from(u64_at(file, at + 8)).ok()?, usize::try_from(bytes).ok()?))
    };
    if count > MOST_SECTIONS { None } else { (0..count).map(extent).collect() }
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

fn u32_at(file: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|k| file[at + k]))
}

fn u64_at(file: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|k| file[at + k]))
}
