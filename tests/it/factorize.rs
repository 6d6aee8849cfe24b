//! Factorization: from a file of ratings to predictions.

use wildsgd::data::Ratings;
use wildsgd::internal::data::LowRank;

use crate::command::Place;

fn text(ratings: &Ratings, separator: &str) -> String {
    let line = |r: &wildsgd::data::Rating| {
        format!("u{}{separator}film-{}{separator}{}{separator}978300760\n", r.user, r.item, r.value)
    };
    ratings.all().iter().map(line).collect()
}

fn place() -> Place {
    let draw = LowRank { users: 200, items: 100, ratings: 20_000, rank: 2, ..LowRank::default() };
    let (train, test) = draw.draw(3000);
    let place = Place::with(&[("test", &text(&test, "\t"))]);
    // Recognized by content, whatever the name.
    place.write("train", zstd::encode_all(text(&train, ",").as_bytes(), 1).unwrap());
    place
}

#[test]
fn ratings_become_a_model_that_predicts_others() {
    let place = place();
    let run = place.succeed(&[
        "factorize",
        "train",
        "--rank",
        "2",
        "--test",
        "test",
        "--model",
        "m",
        "--report",
        "r",
    ]);
    for part in [
        " loss       RMSE        MAE         R2\n",
        "data       train: 20,000 ratings of 100 items by 200 users\n",
        "problem    rank 2, l2 5e-5\n",
        "(searched), schedule plateau\n",
        "written    model m, report r\n",
    ] {
        assert!(run.stderr.contains(part), "no `{part}`: {}", run.stderr);
    }
    let report = place.json("r");
    let rmse = report["final"]["test"]["rmse"].as_f64().unwrap();
    assert!(rmse < 0.5 * 1.05, "{rmse}");
    assert_eq!(report["settings"]["rank"], 2);
    assert_eq!(
        report["epochs"].as_array().unwrap().len(),
        report["final"]["epochs"].as_u64().unwrap() as usize
    );
    assert!(report["epochs"][0]["test"]["mae"].as_f64().unwrap() > 0.0);

    place.succeed(&["evaluate", "m", "test", "--report", "e"]);
    assert_eq!(place.json("e")["test"]["rmse"], report["final"]["test"]["rmse"]);
    let run = place.succeed(&["predict", "m", "test"]);
    assert_eq!(run.stdout.lines().count(), 3000);
    assert!(
        run.stderr.starts_with("RMSE = 0.") && run.stderr.ends_with(" (3000 ratings)\n"),
        "{}",
        run.stderr
    );

    place.write("pairs", "u3 film-5\nu3 nobody-saw-it\n");
    let run = place.succeed(&["predict", "m", "pairs", "--output", "p"]);
    assert_eq!((&*run.stdout, place.text("p").lines().count()), ("", 2));
    assert!(
        run.stderr.starts_with(
            "warning: pairs: 1 of 2 lines have a user or an item that was not trained on"
        ),
        "{}",
        run.stderr
    );
    let run = place.run(&["predict", "m", "pairs", "--proba"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("are for models of labels, but this is a model of ratings"),
        "{}",
        run.stderr
    );
}

#[test]
fn each_strategy_comes_near_the_noise_and_any_rate_stays_finite() {
    let place = place();
    for (options, most) in [
        (&["--strategy", "sequential"][..], 0.525),
        (&["--strategy", "hogwild", "--update", "wild", "--threads", "4"], 0.525),
        (&["--strategy", "hogwild", "--update", "atomic", "--threads", "4"], 0.525),
        (&["--strategy", "hogwild", "--threads", "4"], 0.525),
        (&["--strategy", "hogwild++", "--threads", "4", "--clusters", "2"], 0.525),
        (&["--schedule", "inverse", "--learning-rate", "0.1"], 0.65),
        (&["--learning-rate", "1e30", "--epochs", "20"], 2.0),
    ] {
        let args =
            [&["factorize", "train", "--rank", "2", "--test", "test", "--report", "r"], options]
                .concat();
        place.succeed(&args);
        let rmse = place.json("r")["final"]["test"]["rmse"].as_f64().unwrap();
        assert!(rmse < most, "{options:?}: {rmse}");
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_written() {
    let place = Place::with(&[("r", "a x 1\na y\n")]);
    place.fail(
        &["factorize", "r", "--model", "m"],
        "r:2:4: the line ends before the rating (expected `user item rating`); give each line three fields, separated as in the first line",
    );
    place.write("r", "user,item,rating\na,x,1\n");
    place.fail(
        &["factorize", "r"],
        "r:1:11: the rating `rating` is not a number (expected a finite number such as 4 or 3.5); if this line names the \
         columns, start it with `#`",
    );
    place.fail(
        &["factorize", "r", "--rank", "0"],
        "rank is 0 (expected 1 or more); 8 to 64 are usual",
    );
    place.write("r", "a x 1\nb x 2\nb y 3\n");
    place.succeed(&["factorize", "r", "--rank", "1", "--model", "m", "--quiet"]);
    let mut bytes = place.read("m");
    let at = bytes.len() - 3;
    bytes[at] ^= 1;
    place.write("m", bytes);
    let run = place.fail_somehow(&["predict", "m", "r"]);
    assert!(run.stderr.contains("m: is damaged between byte"), "{}", run.stderr);
}
