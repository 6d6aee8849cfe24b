//! `wildsgd bench`.

use crate::command::{Place, generated};

#[test]
fn load_times_a_file_on_one_thread_and_on_more() {
    let place = Place::with(&[("d", "1 1:1\n-1 2:2\n-1 1:1 7:1\n1 2:1\n")]);
    place.succeed(&["convert", "d", "c"]);
    let formats = ["text", "gzip", "bzip2", "zstd", "cache"];
    for (args, formats) in [
        (&["d", "--compressed"][..], &formats[..]),
        (&["d"], &["text", "cache"]),
        (&["c"], &["cache"]),
    ] {
        let run =
            place.succeed(&[&["bench", "load", "--threads", "2", "--runs", "2"], args].concat());
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines[0], format!("{}: 4 examples, 5 non-zeros", args[0]));
        assert_eq!(lines.len(), 4 + 2 * formats.len(), "{run:?}");
        let expected = formats.iter().flat_map(|format| [(format, "1"), (format, "2")]);
        for (line, (format, threads)) in lines[3..].iter().zip(expected) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((cells.len(), cells[0], cells[2]), (8, *format, threads), "{line}");
            assert!(*format == "cache" || cells[1] == "30", "{line}");
            assert!(
                cells[1..].iter().all(|cell| cell.parse::<f64>().is_ok_and(|x| x >= 0.0)),
                "{line}"
            );
        }
        assert!(lines[lines.len() - 1].starts_with("the cache opens in "), "{run:?}");
    }
}

#[test]
fn load_refuses_what_it_cannot_time() {
    let place = Place::with(&[("d", "1 1:1\n")]);
    place.fail(
        &["bench", "load", "d", "--runs", "0"],
        "runs is 0 (expected a number from 1 to 4096); leave it out for the default",
    );
    let run = place.run(&["bench", "load", "-"]);
    assert!(
        run.code == 2 && run.stderr.contains("standard input cannot be read several times"),
        "{run:?}"
    );
    assert!(place.fail_somehow(&["bench", "load", "no"]).stderr.starts_with("error: no: "));
}

#[test]
fn scaling_prints_a_table_and_writes_every_format() {
    let place = Place::with(&[("d", &generated(300))]);
    let run = place.succeed(&[
        "bench",
        "scaling",
        "d",
        "--test",
        "d",
        "--threads",
        "1,2",
        "--strategies",
        "hogwild,hogwild-wild",
        "--repeats",
        "2",
        "--epochs",
        "6",
        "--weak",
        "--target",
        "objective:0.69",
        "--json",
        "j",
        "--html",
        "h",
        "--csv",
        "c",
        "--markdown",
        "m",
        "--svg",
        "drawings/of it",
    ]);
    assert!(run.stderr.is_empty(), "{run:?}");
    assert!(run.stdout.starts_with("d: 300 examples, 99 features, 600 non-zeros\n"), "{run:?}");
    let json = place.json("j");
    assert_eq!(
        (&json["schema"], &json["repeats"], &json["target"]["objective"]),
        (&1.into(), &2.into(), &0.69.into())
    );
    assert_eq!(json["strong"].as_array().unwrap().len(), 5);
    assert_eq!(json["weak"].as_array().unwrap().len(), 5);
    for line in ["plain loop", "sequential", "hogwild-wild", "all rows"] {
        assert!(run.stdout.lines().any(|found| found.starts_with(line)), "{line}: {run:?}");
    }
    for (name, part) in [("h", "</html>"), ("c", "strong,hogwild,2,"), ("m", "| plain loop | 1 |")]
    {
        assert!(place.text(name).contains(part), "{name}");
    }
    assert!(place.text("drawings/of it/speed-up.svg").starts_with("<svg "));
    let run =
        place.succeed(&["bench", "scaling", "d", "--repeats", "1", "--epochs", "2", "--quiet"]);
    assert!(run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
}

#[test]
fn scaling_refuses_what_it_cannot_compare() {
    let place = Place::with(&[("d", "1 1:1\n-1 2:1\n"), ("three", "1 1:1\n2 2:1\n3 1:2\n")]);
    let bench = |more: &[&'static str]| [&["bench", "scaling", "d"], more].concat();
    place.fail(
        &bench(&["--threads", "2,0"]),
        "threads is 0 (expected a number from 1 to 4096); leave it out for the default",
    );
    place.fail(
        &bench(&["--l2", "0"]),
        "l2 is 0 (expected a finite number above 0); the optimum is certified by dual ascent, which needs it; leave it out \
         for 1/n",
    );
    let run = place.fail_somehow(&["bench", "scaling", "three"]);
    assert!(run.stderr.contains("three: there are 3 labels (expected two"), "{run:?}");
    assert!(
        place
            .fail_somehow(&bench(&["--json", "d"]))
            .stderr
            .contains("is both the data and `--json`")
    );
    assert!(place.fail_somehow(&bench(&["--html", "no/h"])).stderr.starts_with("error: no/h: "));
    let usage = |more: &[&'static str], part: &str| {
        let run = place.run(&bench(more));
        assert!(run.code == 2 && run.stderr.contains(part), "{run:?}");
    };
    usage(&["--strategies", "tame"], "no strategy has this name; there are sequential, hogwild");
    usage(&["--peers", "python3", "--loss", "hinge"], "compares on the logistic loss");
    let run =
        place.fail_somehow(&bench(&["--peers", "no/python", "--repeats", "1", "--epochs", "1"]));
    assert!(run.stderr.starts_with("error: no/python: cannot run"), "{run:?}");
    usage(&["--target", "0.9"], "expected accuracy:X or objective:X with a number");
    let run = place.run(&["bench", "scaling", "-"]);
    assert!(run.code == 2 && run.stderr.contains("needs files"), "{run:?}");
}
