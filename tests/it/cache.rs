//! `wildsgd convert`, caches in place of text, and `train --cache`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use crate::command::{Place, SMALL, TEST, TRAIN, generated};

fn place() -> Place {
    Place::with(&[("d", &generated(3000)), ("t", &generated(700))])
}

/// Options of a training that is deterministic.
const SAME: [&str; 4] = ["--threads", "1", "--epochs", "4"];

#[test]
fn every_command_takes_a_cache_in_place_of_text() {
    let place = place();
    let run = place.succeed(&["convert", "d", "d.cache"]);
    assert!(run.stderr.starts_with("d.cache: 3000 examples, 99 features counted from 1, 6000 non-zeros, in the random order of seed 1, "), "{run:?}");
    assert_eq!(run.stdout, "");
    assert_eq!(place.succeed(&["convert", "t", "t.cache", "--quiet"]).stderr, "");
    for (data, test, model) in [("d", "t", "m1"), ("d.cache", "t.cache", "m2")] {
        place.succeed(&[&["train", data, "--test", test, "--model", model][..], &SAME].concat());
    }
    assert_eq!(place.text("m1"), place.text("m2"));
    // One line per line of the text, in its order.
    for flag in [&[][..], &["--decision"], &["--proba"]] {
        let text = place.succeed(&[&["predict", "m1", "t"], flag].concat());
        let cache = place.succeed(&[&["predict", "m1", "t.cache"], flag].concat());
        assert_eq!((text.stdout, text.stderr), (cache.stdout, cache.stderr));
    }
    for args in [["evaluate", "m1", "t"], ["evaluate", "m1", "t.cache"]] {
        assert!(place.succeed(&args).stdout.starts_with("examples   700\n"));
    }
    let shape = |data| {
        place.succeed(&["inspect", data, "--json", "j", "--quiet"]);
        let json = place.json("j");
        (
            json["data"]["examples"].clone(),
            json["data"]["nonzeros"].clone(),
            json["features"].clone(),
        )
    };
    assert_eq!(shape("d"), shape("d.cache"));
}

/// Three classes with one feature each, and a weight for each example.
fn three_classes(examples: usize) -> (String, String) {
    let (mut text, mut factors) = (String::new(), String::new());
    for i in 0..examples {
        let class = (i * i + i / 7) % 3;
        text += &format!("{} {}:1 {}:0.{}\n", [5, 2, 9][class], class + 1, 4 + i % 31, 1 + i % 9);
        factors += &format!("{}\n", (i % 5) as f64 / 2.0);
    }
    (text, factors)
}

#[test]
fn many_classes_and_weights_of_examples_come_from_caches_as_from_text() {
    let (text, factors) = three_classes(2000);
    let place = Place::with(&[("d", &*text), ("w", &*factors), ("ones", &*"1\n".repeat(2000))]);
    place.succeed(&["convert", "d", "c", "--seed", "9"]);
    let train = |data, weights, format| {
        let model = ["--model", "m", "--model-format", format, "--weights", weights, "--seed", "9"];
        place.succeed(&[&["train", data][..], &model, &SAME].concat());
        place.read("m")
    };
    for format in ["native", "liblinear"] {
        let (from_text, from_cache) = (train("d", "w", format), train("c", "w", format));
        assert!(from_text == from_cache && from_text != train("d", "ones", format), "{format}");
        let mut outputs =
            [&["predict"][..], &["predict", "--decision"], &["predict", "--proba"], &["evaluate"]]
                .map(|command| {
                    let run = |data| place.succeed(&[command, &["m", data]].concat());
                    let (text, cache) = (run("d"), run("c"));
                    assert_eq!(
                        (&text.stdout, &text.stderr),
                        (&cache.stdout, &cache.stderr),
                        "{command:?}"
                    );
                    text.stdout
                })
                .into_iter();
        let numbers = |line: &str| line.split(' ').count();
        for (width, heading) in [(1, 0), (3, 0), (4, 1)] {
            let output = outputs.next().unwrap();
            assert_eq!(output.lines().count(), 2000 + heading);
            assert!(output.lines().all(|line| numbers(line) == width), "{width}");
        }
        assert!(outputs.next().unwrap().contains("\naccuracy   1\n"));
    }
}

#[test]
fn text_comes_back_from_a_cache() {
    let place =
        Place::with(&[("d", "2 1:1 3:0.5\n-1 7:2e-9\n2\n-1 2:3\n"), ("z", "1 0:1 2:1\n-1 1:1\n")]);
    for convert in [&["d", "c"][..], &["d", "c", "--seed", "9"], &["d", "c", "--no-shuffle"]] {
        place.succeed(&[&["convert"], convert].concat());
        place.succeed(&["convert", "c", "text", "--to", "libsvm"]);
        assert_eq!(place.text("text"), "2 1:1 3:0.5\n-1 7:2e-9\n2\n-1 2:3\n");
    }
    place.succeed(&["convert", "z", "c", "--index-base", "auto"]);
    place.succeed(&["convert", "c", "text", "--to", "libsvm"]);
    assert_eq!(place.text("text"), "1 1:1 3:1\n-1 2:1\n");
    // A cache keeps its order unless another one is requested.
    let seed = |args: &[&str]| {
        let said = place.succeed(&[&["convert"], args].concat()).stderr;
        said.split_once("order of ").unwrap().1.split(',').next().unwrap().to_string()
    };
    assert_eq!(seed(&["d", "c", "--seed", "5"]), "seed 5");
    assert_eq!(seed(&["c", "c2"]), "seed 5");
    assert_eq!(seed(&["c", "c2", "--seed", "6"]), "seed 6");
    assert_eq!(seed(&["c", "c2", "--no-shuffle"]), "the file");
    let run = place.run(&["convert", "d", "c", "--to", "libsvm", "--seed", "1"]);
    assert!(
        run.code == 2 && run.stderr.contains("text is written in the order of the file"),
        "{run:?}"
    );
}

#[test]
fn a_damaged_cache_ends_every_command_with_its_place() {
    let place = place();
    place.succeed(&["convert", "d", "whole"]);
    place.succeed(&["train", "whole", "--model", "m", "--quiet"]);
    let whole = place.read("whole");
    let message = |bytes: &[u8]| {
        place.write("c", bytes);
        let mut messages: Vec<String> = [
            &["train", "c", "--model", "n", "--report", "r"][..],
            &["train", "d", "--test", "c", "--model", "n"],
            &["predict", "m", "c", "--output", "p"],
            &["evaluate", "m", "c"],
            &["inspect", "c", "--json", "j"],
            &["convert", "c", "o"],
            &["bench", "load", "c"],
        ]
        .map(|args| place.fail_somehow(args).stderr)
        .into();
        messages.dedup();
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    };
    let flipped = |byte: usize| {
        let mut bytes = whole.clone();
        bytes[byte] ^= 4;
        bytes
    };
    let remedy = "make it again from the text with `wildsgd convert`\n";
    for (bytes, place) in [
        (flipped(3), "error: c: is damaged: byte 3 is 0x43 (expected 0x47"),
        (flipped(500), "error: c: is damaged between byte 0 and byte 4095 (header)"),
        (flipped(9000), "error: c: is damaged between byte 4096 and byte 28671 (section `labels`)"),
        (flipped(whole.len() - 9), "(checksums)"),
        (whole[..whole.len() - 512].to_vec(), "error: c: is cut off: it has "),
        (whole[..512].to_vec(), "error: c: is cut off after 512 bytes"),
    ] {
        let message = message(&bytes);
        assert!(message.contains(place) && message.ends_with(remedy), "{message}");
    }
    let run = place.run_with(&["evaluate", "m", "-"], whole);
    assert!(run.code == 1 && run.stderr.contains("<stdin>: is a data cache"), "{run:?}");
}

/// Trains with `--cache` and further arguments; returns the model, and the warning before the
/// table.
fn train(place: &Place, args: &[&str]) -> (String, Option<String>) {
    let run =
        place.succeed(&[&["train", "d", "--cache", "--model", "m"], &SAME[..], args].concat());
    (
        place.text("m"),
        run.stderr.lines().find(|line| line.starts_with("warning: ")).map(String::from),
    )
}

#[test]
fn a_cache_that_is_kept_gives_the_same_and_is_never_stale() {
    let place = place();
    let (cold, said) = train(&place, &[]);
    assert_eq!(said.filter(|said| said.contains("cache")), None);
    let kept = place.read("d.wsgd");
    let (warm, _) = train(&place, &[]);
    assert_eq!((&warm, place.read("d.wsgd") == kept), (&cold, true));
    // One cache serves all seeds.
    let other = train(&place, &["--seed", "7"]).0;
    assert!(other != cold && place.read("d.wsgd") == kept);
    fs::remove_file(place.path("d.wsgd")).unwrap();
    assert_eq!(train(&place, &["--seed", "7"]).0, other);

    let stale = "d.wsgd was made from a text of another size or time, or with other options";
    let text = OpenOptions::new().append(true).open(place.path("d")).unwrap();
    text.set_modified(SystemTime::now() + Duration::from_nanos(5_000_000_001)).unwrap();
    let (same, said) = train(&place, &[]);
    assert!(same == cold && said.unwrap().contains(stale));
    let bytes = place.text("d");
    place.write("d", bytes.clone() + "1 1:1 99:3\n");
    let (other, said) = train(&place, &[]);
    assert!(other != cold && said.unwrap().contains(stale));
    let (_, said) = train(&place, &["--index-base", "0"]);
    assert!(said.unwrap().contains(stale));
    assert!(train(&place, &["--index-base", "0"]).1.is_none_or(|said| !said.contains("cache")));
    place.write("d", bytes);
    assert_eq!(train(&place, &[]).0, cold);
}

#[test]
fn a_damaged_cache_that_is_kept_is_written_again() {
    let place = place();
    let (cold, _) = train(&place, &[]);
    let whole = place.read("d.wsgd");
    for bytes in [[&whole[..9000], b"x", &whole[9001..]].concat(), whole[..9000].to_vec()] {
        place.write("d.wsgd", bytes);
        let (model, said) = train(&place, &[]);
        let said = said.unwrap();
        assert!(
            said.contains("d.wsgd: is ")
                && said.ends_with("reading the text and writing the cache again"),
            "{said}"
        );
        assert!(model == cold && place.read("d.wsgd") == whole);
    }
    // A file of the user's own.
    place.write("d.wsgd", "a diary");
    let (model, said) = train(&place, &[]);
    assert!(model == cold && said.unwrap().contains("is no cache: it is left alone"));
    assert_eq!(place.text("d.wsgd"), "a diary");
}

#[test]
fn a_cache_that_others_may_have_written_is_left_alone() {
    let place = place();
    let (cold, _) = train(&place, &[]);
    let kept = place.read("d.wsgd");
    fs::set_permissions(place.path("d.wsgd"), Permissions::from_mode(0o666)).unwrap();
    let (model, said) = train(&place, &[]);
    let expected = "d.wsgd is a cache that other users may write to: it is left alone";
    assert!(model == cold && said.unwrap().contains(expected));
    assert!(place.read("d.wsgd") == kept);
}

#[test]
fn a_text_that_was_changed_within_its_time_and_size_is_read_again() {
    let place = place();
    train(&place, &[]);
    let text = File::open(place.path("d")).unwrap();
    let modified = text.metadata().unwrap().modified().unwrap();
    let other = place.text("d").replacen("1:", "2:", 1);
    assert_eq!(other.len(), place.text("d").len());
    place.write("d", other);
    File::options().write(true).open(place.path("d")).unwrap().set_modified(modified).unwrap();
    let (_, said) = train(&place, &[]);
    assert!(said.unwrap().contains("d.wsgd was made from a text of another"));
}

#[test]
fn a_cache_that_cannot_be_kept_is_a_warning() {
    let place = place();
    let (cold, _) = train(&place, &[]);
    fs::remove_file(place.path("d.wsgd")).unwrap();
    // A directory of that name prevents writing with any permissions.
    fs::create_dir(place.path("d.wsgd")).unwrap();
    let (model, said) = train(&place, &[]);
    assert!(model == cold && said.unwrap().contains("d.wsgd"));
    fs::remove_dir(place.path("d.wsgd")).unwrap();
    let folder = place.path("locked");
    fs::create_dir(&folder).unwrap();
    place.write("locked/d", place.read("d"));
    fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    let run =
        place.succeed(&[&["train", "locked/d", "--cache", "--model", "m"], &SAME[..]].concat());
    // Root can write there nevertheless.
    let kept = place.path("locked/d.wsgd").exists();
    assert!(
        kept || run.stderr.contains("warning: no cache is kept: locked/d.wsgd: cannot create"),
        "{run:?}"
    );
    assert_eq!(place.text("m"), cold);
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    let run = place.run_with(&["train", "-", "--cache"], SMALL);
    assert!(run.code == 2 && run.stderr.contains("`--cache` keeps a file beside DATA"), "{run:?}");
}

#[test]
fn a_real_set_trains_from_its_cache() {
    let place = Place::new();
    place.succeed(&["convert", TRAIN, "train", "--quiet"]);
    place.succeed(&["convert", TEST, "test", "--quiet"]);
    for (data, test, model) in [(TRAIN, TEST, "m1"), ("train", "test", "m2")] {
        place.succeed(&[&["train", data, "--test", test, "--model", model][..], &SAME].concat());
    }
    assert_eq!(place.read("m1"), place.read("m2"));
}

#[test]
fn a_tight_memory_limit_gives_the_same_cache() {
    let text = generated(120_000);
    let place = Place::with(&[("d", &text)]);
    place.write("z", zstd::encode_all(text.as_bytes(), 1).unwrap());
    for flags in [&["--seed", "5"][..], &["--no-shuffle"]] {
        let convert = |data: &str, out: &str, more: &[&str]| {
            place.succeed(&[&["convert", data, out], flags, more].concat()).stderr
        };
        let said = convert("d", "whole", &["--memory-limit", "1G"]);
        assert!(said.contains("; read in "), "{said}");
        let said = convert("d", "limited", &["--memory-limit", "1M"]);
        assert!(said.contains("through temporary files, with 1048576 bytes of memory"), "{said}");
        assert!(place.read("limited") == place.read("whole"));
        let piped = place.run_with(&[&["convert", "-", "piped"], flags].concat(), text.as_bytes());
        assert_eq!(piped.code, 0, "{piped:?}");
        for (data, out) in [("z", "limited"), ("z", "whole")] {
            let limit = if out == "whole" { "1G" } else { "1M" };
            convert(data, out, &["--memory-limit", limit]);
        }
        assert!(place.read("limited") == place.read("whole"));
        let text_of = |cache: &str| {
            place.succeed(&["convert", cache, "text", "--to", "libsvm"]);
            place.read("text")
        };
        assert!(text_of("piped") == text_of("whole"));
    }
    assert_eq!(place.run(&["convert", "d", "o", "--memory-limit", "1K"]).code, 2);
    assert_eq!(
        place.run(&["convert", "whole", "o", "--to", "libsvm", "--memory-limit", "1G"]).code,
        2
    );
    place.write("d", "1 1:1\n".repeat(300_000) + "x\n");
    let message = "d:300001:1: label `x` is not a number (expected a number such as 1, -1 or 0.5); number the \
                   classes, and start comments with `#`";
    place.fail(&["convert", "d", "o", "--memory-limit", "1M"], message);
}
