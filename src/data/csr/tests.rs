use super::*;
use crate::data::ClassLabels;

/// Three rows of different lengths.
fn three() -> Dataset {
    Dataset::from_parts(
        vec![0, 2, 2, 3],
        vec![0, 4, 1],
        Some(vec![1.0, 2.0, 3.0]),
        vec![2.0, 1.0, 2.0],
        5,
    )
    .unwrap()
}

#[test]
fn broken_arrays_are_refused() {
    let made = |offsets: &[usize], indices: &[u32], values: usize| {
        let labels = vec![1.0; 2];
        Dataset::from_parts(offsets.into(), indices.into(), Some(vec![2.0; values]), labels, 5)
            .map(|data| data.nonzeros())
            .map_err(|error| error.to_string())
    };
    assert_eq!(made(&[0, 2, 3], &[0, 4, 1], 3), Ok(3));
    for (offsets, indices, values, what) in [
        (&[0, 3][..], &[0, 1, 2][..], 3, "the 2 offsets do not delimit 2 rows"),
        (&[1, 2, 3], &[0, 1, 2], 3, "the 3 offsets do not delimit 2 rows"),
        (&[0, 3, 2], &[0, 1], 2, "the 3 offsets do not delimit 2 rows"),
        (&[0, 2, 3], &[0, 1], 2, "the 3 offsets do not delimit 2 rows"),
        (&[0, 1, 2], &[0, 1], 1, "indices and values differ in number"),
        (&[0, 1, 2], &[0, 5], 2, "the indices of row 1 do not ascend strictly below 5"),
        (&[0, 2, 2], &[1, 1], 2, "the indices of row 0 do not ascend strictly below 5"),
    ] {
        let error = made(offsets, indices, values).unwrap_err();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn an_order_replaces_another() {
    let data = three();
    let shuffled: Vec<_> = (0..20).map(|seed| data.shuffled(seed).into_owned()).collect();
    assert!(shuffled.iter().any(|other| other.labels() != data.labels()));
    for (seed, other) in shuffled.iter().enumerate() {
        assert_eq!(other.seed(), Some(seed as u64));
        assert_eq!(*other.labels_of_file(), *data.labels());
        assert_eq!(other.from_file_order(data.labels()), other.labels());
        assert!(matches!(other.shuffled(seed as u64), std::borrow::Cow::Borrowed(_)));
        assert_eq!(*other.shuffled(7), shuffled[7]);
        let classes = ClassLabels::of("a.svm", &other.labels_of_file()).unwrap();
        assert_eq!(classes.labels(), [2.0, 1.0]);
    }
}

#[test]
fn offsets_are_wide_only_if_they_must_be() {
    assert_eq!(Offsets::from_lengths(vec![2, 0, 3]), Offsets::Narrow(vec![0, 2, 2, 5].into()));
    assert_eq!(Offsets::from_lengths(vec![]), Offsets::from(vec![0]));
    assert_eq!(Offsets::from_lengths(vec![u32::MAX]), Offsets::Narrow(vec![0, u32::MAX].into()));
    let wide = Offsets::from_lengths(vec![u32::MAX, 0, 1]);
    let ends = vec![0, u32::MAX as usize, u32::MAX as usize, 1 << 32];
    assert_eq!(wide, Offsets::Wide(ends.iter().map(|&end| end as u64).collect::<Vec<_>>().into()));
    assert_eq!(wide, Offsets::from(ends));
    let wide = wide.starts();
    assert_eq!(
        (wide.rows(), wide.total(), wide.range(2)),
        (3, 1 << 32, u32::MAX as usize..1 << 32)
    );
}

#[test]
fn memory_counts_what_the_arrays_take() {
    assert_eq!(three().memory(), 3 * 8 + 3 * 8 + 4 * 4);
}

#[test]
fn a_layout_takes_only_the_rows_it_was_made_for() {
    let block = |lengths: &[u32]| {
        let mut block = Block::default();
        for &length in lengths {
            (0..length).for_each(|index| block.entry(index, 1.0));
            block.end_row(1.0);
        }
        block
    };
    let fill = |lengths: &[u32], parts: Vec<&[u32]>| {
        let parts = parts.into_iter().map(|part| (part.len(), part));
        let read = |part: &[u32], into: &mut Block| {
            *into = block(part);
            Ok::<_, ()>(())
        };
        Layout::new(lengths.to_vec(), Some(3)).fill(false, parts, read).map(|filled| filled.rows())
    };
    assert_eq!(fill(&[1, 2, 3], vec![&[1, 2], &[3]]), Ok(3));
    assert_eq!(fill(&[], vec![]), Ok(0));
    for parts in [vec![&[1, 2][..]], vec![&[1, 2], &[3, 1]], vec![&[1, 3], &[2]]] {
        assert_eq!(fill(&[1, 2, 3], parts), Err(Stop::Changed));
    }
}
