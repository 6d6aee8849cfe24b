use super::*;
use crate::data::{IndexBase, LoadOptions, ParseOptions, libsvm};
use proptest::prelude::*;
use std::io::Write;
use std::path::PathBuf;

const NAME: &str = "a.svm";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Compresses with a checksum, as the command does.
fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

type Compress = fn(&[u8]) -> Vec<u8>;

const COMPRESS: [(&str, Compress); 3] = [("gzip", gzip), ("bzip2", bzip2), ("zstd", zstd)];

fn decoded(bytes: &[u8]) -> Result<Vec<u8>, String> {
    decode(bytes, NAME, 0).map_err(|error| error.to_string())
}

fn sample() -> Vec<u8> {
    (0..200).flat_map(|i| format!("{} {}:0.{i} 9999:1\n", i % 2, i + 1).into_bytes()).collect()
}

fn temporary(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn every_compression_is_known_by_its_content() {
    let text = sample();
    assert_eq!(decoded(&text), Ok(text.clone()));
    for (_, compress) in COMPRESS {
        let file = temporary(&compress(&text));
        assert_eq!(read(file.path()).unwrap(), text);
        let members = [compress(&text[..500]), compress(b""), compress(&text[500..])].concat();
        assert_eq!(decoded(&members), Ok(text.clone()));
    }
    let mut skippable = vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
    skippable.extend(zstd(&text));
    assert_eq!(decoded(&skippable), Ok(text));
}

#[test]
fn zeros_after_gzip_are_padding_and_anything_else_is_not() {
    let whole = [gzip(b"1 1:1\n"), vec![0; 100_000], gzip(b"-1 2:1\n"), vec![0; 7]].concat();
    let file = temporary(&whole);
    assert_eq!(&*read(file.path()).unwrap(), b"1 1:1\n-1 2:1\n");
    let file = temporary(&[gzip(b"1 1:1\n"), vec![0, 0, 1]].concat());
    let error = read(file.path()).unwrap_err().to_string();
    assert!(error.contains("the gzip data are"), "{error}");
}

#[test]
fn loading_names_the_place() {
    let file = temporary(&gzip(b"1 1:1\n-1 2:x\n"));
    let error = crate::data::load(file.path(), &LoadOptions::default()).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}:2:6: value `x` is not a number (", file.path().display())),
        "{error}"
    );
    let file = temporary(b"1 0:1\n-1 2:3\n");
    let parse = ParseOptions { index_base: IndexBase::Zero, ..ParseOptions::default() };
    let options = LoadOptions { parse, ..LoadOptions::default() };
    assert_eq!(crate::data::load(file.path(), &options).unwrap().width(), 3);
    assert_eq!(display_name("-"), "<stdin>");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.svm");
    assert_eq!(
        read(&missing).unwrap_err().to_string(),
        format!(
            "{}: there is no such file (expected a file, or `-` for standard input); check the name and the folder it \
             is relative to",
            missing.display()
        )
    );
    #[cfg(unix)]
    assert_eq!(
        read(folder.path()).unwrap_err().to_string(),
        format!(
            "{}: is a directory (expected a file, or `-` for standard input); name one file in it",
            folder.path().display()
        )
    );
    let inside = temporary(b"1").path().join("inside");
    assert!(matches!(
        read(inside),
        Err(Error::Io { action: "open", .. }) | Err(Error::Input { .. })
    ));
}

#[test]
fn a_failed_read_is_of_the_system() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    for start in [
        &b""[..],
        b"1 1:1\n",
        &gzip(&sample())[..20],
        &zstd(&sample())[..20],
        &bzip2(&sample())[..20],
    ] {
        let error = decode(start.chain(Broken), NAME, 0).unwrap_err();
        assert!(matches!(error, Error::Io { action: "read", .. }), "{error}");
        assert!(error.to_string().starts_with("a.svm: cannot read: "), "{error}");
    }
}

#[test]
fn empty_input_is_refused() {
    let refused = "a.svm: is empty (expected text, plain or compressed); check that the program that wrote it finished";
    assert_eq!(decoded(b""), Err(refused.into()));
    for (_, compress) in COMPRESS {
        assert_eq!(decoded(&compress(b"")), Err(refused.into()));
    }
}

#[test]
fn a_size_beyond_memory_is_refused() {
    assert_eq!(
        decode(&b"1 1:1\n"[..], NAME, u64::MAX).unwrap_err().to_string(),
        "a.svm: has 18446744073709551615 bytes (expected a file that fits in memory); train on a part of it, or on a \
         larger machine"
    );
}

/// Everything else here is for the decoders.
#[cfg(not(feature = "compression"))]
#[test]
fn without_decoders_the_format_and_the_feature_are_named() {
    let text = sample();
    assert_eq!(decoded(&text), Ok(text.clone()));
    for (name, compress) in COMPRESS {
        let bytes = compress(&text);
        let file = temporary(&bytes);
        assert!(is_compressed(file.path()));
        let refused = format!(
            ": is compressed with {name}, and wildsgd was built without decoders (expected plain text); build it with \
             the feature `compression`, or decompress the file first"
        );
        assert_eq!(decoded(&bytes), Err(format!("{NAME}{refused}")));
        let error = crate::data::load(file.path(), &LoadOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("{}{refused}", file.path().display()));
    }
}

#[test]
fn other_compressions_are_named() {
    let heads: [(&[u8], &str); 3] =
        [(b"\xfd7zXZ\0..", "xz"), (b"\x04\x22\x4d\x18..", "lz4"), (b"PK\x03\x04..", "zip")];
    for (head, name) in heads {
        assert_eq!(
            decoded(head),
            Err(format!(
                "a.svm: is compressed with {name} (expected {READABLE}); decompress it first"
            ))
        );
    }
}

#[test]
fn every_truncation_is_an_error() {
    for (name, compress) in COMPRESS {
        let text = sample();
        let (first, second) = (compress(&text[..700]), compress(&text[700..]));
        let whole = [first.as_slice(), &second].concat();
        let refused = format!(
            "a.svm: the {name} data are truncated (expected a complete {name} file); copy or compress it again"
        );
        // A truncated magic number leaves plain bytes, which the parser refuses.
        for end in (4..whole.len()).filter(|&end| end != first.len()) {
            assert_eq!(decoded(&whole[..end]), Err(refused.clone()), "{name} cut at {end}");
        }
        for end in 0..4 {
            let plain = decoded(&whole[..end]);
            assert!(
                plain.is_err() || libsvm::parse(&whole[..end], &ParseOptions::default()).is_err()
            );
        }
    }
}

#[test]
fn bytes_after_the_end_are_an_error() {
    for (name, compress) in COMPRESS {
        for garbage in [&b"1 1:1\n"[..], b"\0\0\0\0\0\0\0\0\0\0\0\0", b"\n", b"\0"] {
            if name == "gzip" && garbage[0] == 0 {
                // Padding.
                continue;
            }
            let bytes = [compress(&sample()).as_slice(), garbage].concat();
            let error = decoded(&bytes).unwrap_err();
            assert!(error.starts_with(&format!("a.svm: the {name} data are ")), "{error}");
        }
    }
    let bytes = [gzip(b"1 1:1\n").as_slice(), b"1 1:1\n-1 1:2\n3 3:3\n"].concat();
    assert_eq!(
        decoded(&bytes).unwrap_err(),
        "a.svm: the gzip data are damaged: invalid gzip header (expected a gzip file with nothing after its end); \
         copy or compress it again"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_flipped_bit_never_changes_the_data(
        which in 0..COMPRESS.len(),
        length in 1..3000_usize,
        place in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let text = &sample()[..length];
        let mut bytes = COMPRESS[which].1(text);
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        // A damaged magic number makes it plain bytes, which are then no libsvm text.
        match decode(bytes.as_slice(), NAME, 0) {
            Ok(same) if same == text => {}
            Ok(plain) => prop_assert!(plain == bytes && libsvm::parse(&plain, &ParseOptions::default()).is_err()),
            Err(_) => {}
        }
    }

    #[test]
    fn replaced_bytes_never_panic(
        which in 0..COMPRESS.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut bytes = COMPRESS[which].1(&sample());
        for (place, byte) in edits {
            let place = place.index(bytes.len() - 4) + 4;
            bytes[place] = byte;
        }
        if let Ok(data) = decode(bytes.as_slice(), NAME, 0) {
            prop_assert_eq!(data, sample());
        }
    }
}

/// Name, examples of the training and of the test part, features and entries of the training part.
const SETS: [(&str, usize, usize, usize, usize); 11] = [
    ("a9a", 32_561, 16_281, 123, 451_592),
    ("mushrooms", 6_500, 1_624, 112, 136_500),
    ("phishing", 8_844, 2_211, 68, 265_320),
    ("ijcnn1", 49_990, 91_701, 22, 649_870),
    ("kdd99", 395_217, 98_804, 118, 4_942_942),
    ("letter", 15_000, 5_000, 16, 240_000),
    ("reuters-money-fx", 7_770, 3_299, 8_315, 339_837),
    ("movie-reviews", 1_600, 400, 117_249, 1_166_223),
    ("sentence-polarity", 8_530, 2_132, 106_514, 300_673),
    ("debian-desc", 50_354, 13_082, 676_174, 6_657_872),
    ("debian-paths-500k", 500_000, 100_000, 493_227, 12_683_399),
];

#[test]
fn data_sets_beside_the_checkout_read_as_their_index_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !folder.is_dir() {
        println!("skipped: there is no ../shared/data beside the checkout");
        return;
    }
    for (name, train, test, width, nonzeros) in SETS {
        if cfg!(debug_assertions) && nonzeros > 4_000_000 {
            println!("skipped: {name} takes long without optimization");
            continue;
        }
        let part = |part: &str| {
            let files =
                ["svm", "svm.zst"].map(|ending| folder.join(format!("{name}.{part}.{ending}")));
            let file = files.iter().find(|file| file.exists());
            file.map(|file| crate::data::load(file, &LoadOptions::default()).unwrap())
        };
        let (Some(trained), Some(tested)) = (part("train"), part("test")) else {
            println!("skipped: {name} is not there");
            continue;
        };
        assert_eq!((trained.len(), tested.len()), (train, test), "{name}");
        assert_eq!((trained.width(), trained.nonzeros()), (width, nonzeros), "{name}");
    }
}
