//! Valid inputs that mutation starts from: small, and with all that a format knows.

use std::path::Path;

use wildsgd::data::{self, IndexBase, ParseOptions};
use wildsgd::internal::cache::{self, Notes, Source};
use wildsgd::model::{self, Bias, LossKind, Model};

const ROWS: &[u8] = b"+1 1:0.5 3:-2 7:1e-3\n-1 2:4 3:0.25\n+1 1:0 9:3.4028235e38\n-1\n+1 4:1e-45\n";
const ONES: &[u8] = b"2 1:1 4:1\n1 2:1\n2 3:1 5:1 6:1\n3 1:1\n";

pub(crate) fn libsvm() -> Vec<Vec<u8>> {
    let others: [&[u8]; 6] = [
        b"# comment\n\n1 qid:3 1:1 2:2 # more\r\n0 qid:4 2:1\r\n",
        b"\xef\xbb\xbf1 1:1\n-1 2:1",
        b"0.5\t1:.5  2:5.\n-1e2 4294967295:1\n",
        b"1 0:1 4294967294:2\n0 0:0\n",
        b"+1 1:+0.1 2:-0 3:1E+2\n-0 1:123456789.123456789\n",
        b"1,2 1:1\nnan 1:inf\n",
    ];
    [ROWS, ONES].into_iter().chain(others).map(<[u8]>::to_vec).collect()
}

pub(crate) fn ratings() -> Vec<Vec<u8>> {
    let all: [&[u8]; 4] = [
        b"ann tea 5\nbob tea 2.5\nann,coffee,1\n",
        b"# user item rating\r\n1\t7\t3\t881250949\r\n1 07 -0\r\n",
        b"\xef\xbb\xbfx , y , 1e-3\n\n \t\ny x 3.4028235e38",
        "\u{e9}t\u{e9} \u{2603} 4\n#x y 1\nx #y 1e-45\n".as_bytes(),
    ];
    all.map(<[u8]>::to_vec).to_vec()
}

pub(crate) fn cache() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let parse = ParseOptions::default();
    let source = Source { bytes: 74, modified: (1_700_000_000, 5), parse: parse.clone() };
    let all = [
        (ROWS, Some(7), Notes::default()),
        (ROWS, None, Notes { base: Some(IndexBase::One), source: Some(source) }),
        (ONES, None, Notes { base: Some(IndexBase::Zero), source: None }),
    ];
    let file = |(text, seed, notes): (&[u8], Option<u64>, Notes)| {
        let rows = data::libsvm::parse(text, &parse).expect("the text is libsvm");
        let rows = match seed {
            Some(seed) => rows.shuffled(seed).into_owned(),
            None => rows,
        };
        bytes_of(folder.path(), |path| cache::write_with(&rows, path, &notes))
    };
    all.map(file).to_vec()
}

pub(crate) fn native() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = |model: Model| bytes_of(folder.path(), |path| model::native::write(&model, path));
    models().into_iter().map(file).collect()
}

pub(crate) fn liblinear() -> Vec<Vec<u8>> {
    let text = |model: Model| {
        let mut text = Vec::new();
        model::liblinear::write(&model, &mut text).expect("a Vec takes all");
        text
    };
    let known = |model: &Model| model.loss() != LossKind::Softmax;
    let mut all: Vec<Vec<u8>> = models().into_iter().filter(known).map(text).collect();
    all.push(
        b"solver_type L2R_LR_DUAL\r\nnr_class 2\r\nlabel 1 -1\r\nnr_feature 0\r\nbias -1\r\n\
          w\r\n"
            .to_vec(),
    );
    all
}

fn models() -> Vec<Model> {
    let bias = Some(Bias { value: 1.0, weight: -0.1 });
    let exact = vec![0.5, -2.0, 0.0, 1e30];
    let long = vec![1.0 / 3.0, f64::MAX, -0.0, 5e-324];
    let three = vec![1.0, -1.0, 0.0, -2.0, 3.0, 0.5];
    [
        Model::new(LossKind::Logistic, Some([1, -1]), exact.clone(), None),
        Model::new(LossKind::Hinge, Some([0, 1]), long.clone(), bias)
            .map(|model| model.with_l1(true)),
        Model::new(LossKind::Squared, None, exact, bias),
        Model::new(LossKind::EpsilonInsensitive { epsilon: 0.25 }, None, long, None),
        Model::with_classes(LossKind::SquaredHinge, vec![7.0, 8.5, -9.0], three.clone(), None),
        Model::with_classes(LossKind::Softmax, vec![7.0, 8.0, 9.0], three, Some(1.0)),
    ]
    .map(|model| model.expect("the numbers are finite"))
    .to_vec()
}

fn bytes_of(folder: &Path, write: impl FnOnce(&Path) -> wildsgd::Result<()>) -> Vec<u8> {
    let path = folder.join("seed");
    write(&path).expect("a temporary file can be written");
    std::fs::read(&path).expect("what was written can be read")
}
