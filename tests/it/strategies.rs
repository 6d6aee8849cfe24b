//! `--strategy` and its arguments.

use crate::command::{Place, SMALL, TRAIN};

fn report(args: &[&str]) -> serde_json::Value {
    let place = Place::new();
    let common = ["train", TRAIN, "--epochs", "3", "--threads", "3", "--report", "r"];
    place.succeed(&[&common, args].concat());
    place.json("r")
}

#[test]
fn every_way_trains_and_reports_what_belongs_to_it() {
    let report = |args: &str| report(&args.split(' ').collect::<Vec<_>>());
    let sync = report(
        "--strategy sync --backup-workers 1 --batch 8 --inject delay:worker=2,every=200,us=100",
    );
    assert_eq!(sync["settings"]["strategy"], "sync");
    assert_eq!(sync["settings"]["solver"], "sgd");
    assert_eq!(
        (&sync["settings"]["batch"], &sync["settings"]["backup_workers"]),
        (&8.into(), &1.into())
    );
    assert_eq!(sync["final"]["most_staleness"], 0);
    assert!(sync["final"]["dropped_gradients"].as_f64().unwrap() < 1.0);

    let ssp = report("--strategy ssp --staleness 2 --writes non-blocking");
    assert_eq!(
        (&ssp["settings"]["staleness_bound"], &ssp["settings"]["batch"]),
        (&2.into(), &16.into())
    );
    assert_eq!(
        (&ssp["settings"]["reads"], &ssp["settings"]["writes"]),
        (&"blocking".into(), &"non-blocking".into())
    );
    assert!(ssp["final"]["most_staleness"].as_u64().unwrap() <= 2);
    assert!(report("--strategy ssp --staleness inf")["settings"]["staleness_bound"].is_null());

    assert_eq!(report("--strategy averaging --average-every 2")["settings"]["average_every"], 2);
    for name in ["allreduce", "locked", "round-robin"] {
        let report = report(&format!("--strategy {name}"));
        assert_eq!(
            (&report["settings"]["strategy"], &report["settings"]["threads"]),
            (&name.into(), &3.into())
        );
        assert_eq!(report["final"]["most_staleness"].is_null(), name == "locked");
    }
}

#[test]
fn deterministic_ways_write_the_same_model_every_time() {
    let place = Place::new();
    for strategy in ["sync", "allreduce", "averaging"] {
        let models = [1, 2].map(|_| {
            let args = [
                "train",
                TRAIN,
                "--epochs",
                "3",
                "--threads",
                "4",
                "--model",
                "m",
                "--strategy",
                strategy,
            ];
            place.succeed(&args);
            place.read("m")
        });
        assert_eq!(models[0], models[1], "{strategy}");
    }
}

#[test]
fn arguments_of_one_way_are_refused_with_another() {
    let place = Place::with(&[("d", SMALL)]);
    for (args, expected) in [
        ("--strategy ssp --backup-workers 1", "`--backup-workers` is for `--strategy sync`"),
        (
            "--strategy sync --staleness 1",
            "`--staleness`, `--reads` and `--writes` are for `--strategy ssp`",
        ),
        ("--reads blocking", "`--staleness`, `--reads` and `--writes` are for `--strategy ssp`"),
        ("--strategy locked --average-every 2", "`--average-every` is for `--strategy averaging`"),
        ("--strategy sync --update wild", "`--update` is for `--strategy hogwild` and `hogwild++`"),
        ("--strategy ssp --staleness many", "expected a number of batches, or `inf`"),
        ("--inject delay:worker=1,every=2", "expected delay:worker=K,every=N,us=T"),
        ("--inject crash", "expected delay:worker=K,every=N,us=T"),
    ] {
        let run = place.run(&[&["train", "d"], &args.split(' ').collect::<Vec<_>>()[..]].concat());
        assert!(run.code == 2 && run.stderr.contains(expected), "{args}: {run:?}");
    }
    place.fail(
        &["train", "d", "--strategy", "sync", "--threads", "2", "--backup-workers", "2"],
        "backup workers is 2 of 2 (expected fewer than the threads, since a round needs at least one of them); use more \
         threads, or fewer backups",
    );
    place.fail(
        &["train", "d", "--strategy", "sync", "--batch", "-1"],
        "batch is -1 (expected 0 or larger); 16 is usual",
    );
}

#[test]
fn bench_strategies_prints_a_row_a_way_without_and_with_delays() {
    let place = Place::new();
    let args = [
        "bench",
        "strategies",
        TRAIN,
        "--threads",
        "2",
        "--runs",
        "1",
        "--epochs",
        "15",
        "--strategies",
        "sequential,sync-backup,ssp,hogwild",
        "--inject",
        "delay:worker=1,every=100,us=200",
    ];
    let run = place.succeed(&args);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].contains("6000 examples, logistic loss, optimum 0.2951"), "{run:?}");
    assert_eq!(lines.len(), 1 + 6 + 2 + 6, "{run:?}");
    assert_eq!(lines[8], "thread 1 sleeps 200 microseconds every 100 examples");
    for table in [&lines[3..7], &lines[11..15]] {
        for (line, name) in table.iter().zip(["sequential", "hogwild", "sync-backup", "ssp"]) {
            let cells: Vec<&str> = line.split_whitespace().collect();
            assert_eq!((cells.len(), cells[0]), (9, name), "{line}");
            assert_eq!(cells[1], if name == "sequential" { "1" } else { "2" });
            assert_eq!(cells[6] == "-", !["sync-backup", "ssp"].contains(&name), "{line}");
        }
    }
    assert!(lines[3].split_whitespace().nth(2).unwrap().parse::<f64>().unwrap() < 15.0, "{run:?}");
    place.fail(
        &["bench", "strategies", TRAIN, "--runs", "0"],
        "runs is 0 (expected 1 or more); leave it out for the default",
    );
}
