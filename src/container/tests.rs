use super::*;
use crate::error::Error;
use std::io::{Read, Seek};

const VERSION: u32 = 3;

/// Three sections, the second one empty, the third one of several chunks.
fn written() -> Vec<u8> {
    let large: Vec<u8> =
        (0..CHUNK as u32 * 5 / 2).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let mut facts = Facts::default();
    facts.set(8, 1 << 40);
    let sections = [("small", 5), ("empty", 0), ("large", large.len() as u64)];
    let header = Header::new(Kind::Dataset, VERSION, facts, &sections);
    let mut file = tempfile::tempfile().unwrap();
    let mut writer = Writer::new(&file, header).unwrap();
    let (first, second) = large.split_at(300_001);
    writer.write("large", first).unwrap();
    writer.write("small", b"12").unwrap();
    writer.write("large", second).unwrap();
    writer.write("small", b"345").unwrap();
    writer.finish().unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

fn check(file: &[u8]) -> Result<Container, Damage> {
    let container = Container::open(file, Kind::Dataset, VERSION)?;
    container.check(file, &["small", "empty", "large"], |_, _| Ok(()))?;
    Ok(container)
}

#[test]
fn sections_are_found_where_they_were_written() {
    let file = written();
    let container = check(&file).unwrap();
    assert_eq!(container.header().facts.get(8), 1 << 40);
    assert_eq!(container.section("small"), Some(4096..4101));
    assert_eq!(container.section("empty"), Some(8192..8192));
    assert_eq!(container.section("large").map(|bytes| bytes.len()), Some(CHUNK as usize * 5 / 2));
    assert_eq!(container.section("other"), None);
    assert_eq!(&file[4096..4101], b"12345");
    let seen = std::sync::Mutex::new(Vec::new());
    let note = |name: &str, bytes| {
        seen.lock().unwrap().push((name.to_string(), bytes));
        Ok(())
    };
    container.check(&file, &["small", "large"], note).unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by_key(|(name, bytes)| (name.clone(), bytes.start));
    let chunk = CHUNK as usize;
    let large = [0..chunk, chunk..2 * chunk, 2 * chunk..2 * chunk + chunk / 2];
    assert_eq!(seen[..3], large.map(|bytes| ("large".to_string(), bytes)));
    assert_eq!(seen[3], ("small".to_string(), 0..5));
}

#[test]
fn truncation_is_detected_wherever_it_is() {
    let file = written();
    for length in (0..file.len()).step_by(512) {
        let damage = check(&file[..length]).unwrap_err();
        assert!(damage.what.starts_with("is cut off"), "{length}: {damage:?}");
    }
    let longer = [&file[..], b"\0"].concat();
    assert!(check(&longer).unwrap_err().what.starts_with("is too long"));
}

#[test]
fn a_flipped_bit_is_detected_wherever_it_is() {
    let mut file = written();
    let all_of = |range: std::ops::Range<usize>| range.collect::<Vec<_>>();
    let table = file.len() - 4 * 8..file.len();
    let places =
        [all_of(0..4200), all_of(table), (4200..file.len()).step_by(1009).collect()].concat();
    for place in places {
        for bit in 0..8 {
            file[place] ^= 1 << bit;
            // In the body, opening still works, and checking does not.
            let damage = check(&file).unwrap_err();
            assert!(damage.what.contains("damaged"), "{place}: {damage:?}");
            file[place] ^= 1 << bit;
        }
    }
    assert!(check(&file).is_ok());
}

#[test]
fn messages_name_the_place_and_the_remedy() {
    let mut file = written();
    let message = |file: &[u8], kind, version| {
        let damage = Container::open(file, kind, version)
            .and_then(|container| container.check(file, &["small", "large"], |_, _| Ok(())))
            .unwrap_err();
        let Error::Input { .. } = damage.clone().into_error("a", kind) else {
            panic!("{damage:?}")
        };
        damage.into_error("a", kind).to_string()
    };
    assert_eq!(
        message(&file, Kind::Model, VERSION),
        "a: is a data cache (expected a native model); copy it again from where it was made, or train again"
    );
    assert_eq!(
        message(&file, Kind::Dataset, 4),
        "a: is written in version 3 of its format (expected version 4, the only one that this version of wildsgd \
         reads); make it again from the text with `wildsgd convert`"
    );
    file[8192 + CHUNK as usize + 7] ^= 1;
    let found = message(&file, Kind::Dataset, VERSION);
    assert!(
        found.starts_with("a: is damaged between byte 270336 and byte 532479 (section `large`): "),
        "{found}"
    );
    file[0] = b'x';
    assert!(
        message(&file, Kind::Dataset, VERSION)
            .starts_with("a: is damaged: byte 0 is 0x78 (expected 0x89")
    );
}

#[test]
fn a_file_claims_to_be_of_the_family_despite_a_wrong_bit() {
    assert!(claims(&MAGIC));
    for place in 0..8 {
        let mut head = MAGIC;
        head[place] ^= 0x10;
        assert!(claims(&head));
    }
    for head in [&b""[..], b"\x89WSGD", b"+1 1:1 2:1", b"WSGD is no libsvm"] {
        assert!(!claims(head));
    }
}
