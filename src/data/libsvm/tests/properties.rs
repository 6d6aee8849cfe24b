use super::*;
use proptest::prelude::*;

/// Labels, entries and values as bits: -0 and 0 differ.
pub(super) fn bits(dataset: &Dataset) -> Vec<(u64, Vec<(usize, u32)>)> {
    let entries = |row: crate::data::Row<'_>| row.iter().map(|(j, x)| (j, x.to_bits())).collect();
    dataset.iter().map(|(row, label)| (label.to_bits(), entries(row))).collect()
}

/// The bits of what `str::parse` reads, `None` if that is no finite number.
fn reference(token: &str) -> Option<u32> {
    token.parse::<f32>().ok().filter(|value| value.is_finite()).map(f32::to_bits)
}

/// The bits of what the parser reads, alone and before another token.
fn number(token: &str) -> Option<u32> {
    let line = format!("{token} 1:1");
    // The text continues after the line, or ends after a few bytes: digits are read in words.
    let read = number::read(Line::new(line.as_bytes(), line.len()), 0).ok();
    for after in ["", "\n", "\r\n", "\n1 1:1\n-1 2:2\n"] {
        let text = format!("{token}{after}");
        assert_eq!(read, number::read(Line::new(text.as_bytes(), token.len()), 0).ok());
    }
    read.map(|(value, end)| {
        assert_eq!(end, token.len());
        value.to_bits()
    })
}

#[test]
fn numbers_next_to_midpoints_are_exact() {
    // 16777217 = 2^24 + 1 lies between two f32; the others differ from midpoints in the last
    // decimals only.
    let tokens = "16777217 16777217.0 16777217.000000001 16777216.999999999 8388608.5 8388609.5 0.5000000298023224 \
        0.50000002980232239 0.500000029802322387695312 1.1754943e-38 1.17549435e-38 \
        0.000000000000000000000000000000000000000000001 1.4e-45 7e-46 7.1e-46 3.4028235e38 3.4028236e38 \
        340282346638528859811704183484516925440 9007199254740993 9007199254740991 9999999999999999999 \
        99999999999999999999 00000000000000000000000.1 -0 +0.0 .5 5. . + -. e5 1e 1e+ 1e5 1E-5 1_0 \
        infinity inf nan +-1 1e-400 1e400";
    for token in tokens.split_whitespace().chain([""]) {
        assert_eq!(number(token), reference(token), "{token}");
    }
}

/// Text that looks like a number, often a legal one.
fn decimal() -> impl Strategy<Value = String> {
    prop_oneof![
        "[+-]?[0-9]{0,12}(\\.[0-9]{0,12})?",
        "[+-]?[0-9]{0,24}(\\.[0-9]{0,24})?([eE][+-]?[0-9]{1,3})?",
        "[+-]?0\\.0{0,45}[0-9]{1,9}",
        "[-+.eEinfa0-9]{0,8}",
        any::<f32>().prop_map(|x| x.to_string()),
        any::<f32>().prop_map(|x| format!("{x:e}")),
        any::<f64>().prop_map(|x| x.to_string()),
        // The exact midpoint of two f32, and its neighbors among decimals.
        (any::<f32>(), -1..=1_i64).prop_map(|(x, step)| {
            let middle =
                (f64::from(x) + f64::from(f32::from_bits(x.to_bits().wrapping_add(1)))) / 2.0;
            f64::from_bits(middle.to_bits().wrapping_add_signed(step)).to_string()
        }),
        (0..1_u64 << 25, 0..12_usize).prop_map(|(n, decimals)| format!(
            "{:.*}",
            decimals,
            n as f64 / 2.0
        )),
    ]
}

fn finite() -> impl Strategy<Value = f32> {
    prop_oneof![
        (-8..8_i8).prop_map(f32::from),
        any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite()),
        Just(-0.0),
        (1..1_u32 << 23).prop_map(f32::from_bits),
    ]
}

pub(super) fn any_dataset() -> impl Strategy<Value = Dataset> {
    let index = prop_oneof![0..40_u32, 0..u32::MAX];
    let value = prop_oneof![3 => finite().boxed(), 1 => Just(1.0).boxed()];
    let row = (finite(), proptest::collection::btree_map(index, value, 0..8));
    (proptest::collection::vec(row, 1..12), any::<bool>()).prop_map(|(rows, ones)| {
        let mut builder = crate::data::Builder::default();
        for (label, entries) in rows {
            for (index, value) in entries {
                assert!(builder.entry(index, if ones { 1.0 } else { value }));
            }
            builder.end_row(label);
        }
        builder.finish(0)
    })
}

/// Legal and illegal pieces of lines.
const INSERTS: [&str; 8] = [
    " qid:3",
    "\n1 qid:3 2:1\n",
    "\r\n",
    "\n\n \t\n",
    " # a:b\n",
    "#\n",
    "\n-1\n",
    " 0:1 1:0.50 12345678:1",
];

/// Text with a few bytes changed, and options to read it with.
pub(super) fn mutated_text() -> impl Strategy<Value = (Vec<u8>, ParseOptions)> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b" \t\r\n#:,.-+e019\0q".to_vec())];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), byte, 0..4), 0..6);
    let base = prop::sample::select(vec![IndexBase::Auto, IndexBase::Zero, IndexBase::One]);
    let max_line = prop_oneof![3 => Just(usize::MAX), 1 => 0..60_usize];
    (any_dataset(), edits, base, max_line).prop_map(|(dataset, edits, index_base, max_line)| {
        let mut text = Vec::new();
        write(&dataset, &mut text).unwrap();
        for (place, byte, edit) in edits {
            let place = place.index(text.len());
            match edit {
                0 => text[place] = byte,
                1 => text.insert(place, byte),
                2 => drop(
                    text.splice(place..place, INSERTS[usize::from(byte) % INSERTS.len()].bytes()),
                ),
                _ => text.truncate(place.max(1)),
            }
        }
        (text, ParseOptions { index_base, max_line })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn numbers_are_those_of_std(token in decimal()) {
        prop_assert_eq!(number(&token), reference(&token));
    }

    #[test]
    fn short_decimals_are_those_of_std(digits in 0..1_u64 << 60, scale in 0..19_u32, decimals in 0..19_usize) {
        let digits = format!("{:0>20}", digits >> (3 * scale));
        let token = format!("{}.{}", &digits[..20 - decimals], &digits[20 - decimals..]);
        for token in [&token, token.trim_start_matches('0')] {
            prop_assert_eq!(number(token), reference(token));
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(dataset in any_dataset()) {
        let mut text = Vec::new();
        write(&dataset, &mut text).unwrap();
        let back = read(&text);
        prop_assert_eq!(bits(&back), bits(&dataset));
        prop_assert_eq!(back.width(), dataset.width());
        prop_assert_eq!(back.row(0).values().is_none(), dataset.row(0).values().is_none());
        let crlf = text.iter().flat_map(|&b| if b == b'\n' { vec![b'\r', b'\n'] } else { vec![b] }).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read(&crlf)), bits(&dataset));
    }

    #[test]
    fn mutated_text_never_panics((text, options) in mutated_text()) {
        match parse(&text, &options) {
            Ok(dataset) => {
                let finite = dataset.iter().all(|(row, label)| {
                    label.is_finite() && row.iter().all(|(j, x)| j < dataset.width() && x.is_finite())
                });
                prop_assert!(finite);
            }
            Err(error) => {
                let lines = text.split(|&byte| byte == b'\n').collect::<Vec<_>>();
                let line = lines[error.line as usize - 1].len() as u64;
                prop_assert!(error.kind == Kind::NoExample || error.column <= line);
                prop_assert!(!error.to_string().contains(|c: char| c.is_control()));
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &based(IndexBase::Auto));
    }
}
