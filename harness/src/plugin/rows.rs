//! Examples as the interface wants them: views of the host's texts.

use super::{Context, Example};
use kobench_plugin_abi::{self as abi, AbiStruct as _, Str};
use std::marker::PhantomData;

/// Views of examples, valid as long as the texts are.
pub(crate) struct Rows<'a> {
    examples: Vec<abi::Example>,
    /// What `examples[..].words` point to; a row's vector is never touched again once it is here.
    _words: Vec<Vec<Str>>,
    _texts: PhantomData<&'a str>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(rows: &[Example<'a>]) -> Self {
        let mut words: Vec<Vec<Str>> = Vec::new();
        let mut keep = |list: &[&str], into: &mut abi::Example| {
            let views: Vec<Str> = list.iter().map(|w| Str::new(w)).collect();
            (into.words, into.n_words) = (views.as_ptr(), views.len());
            words.push(views);
        };
        let examples = rows
            .iter()
            .map(|row| {
                let mut e = abi::Example::zeroed();
                match row {
                    Example::Text(text) => (e.kind, e.first) = (abi::EXAMPLE_TEXT, Str::new(text)),
                    Example::Pair(first, second) => {
                        (e.kind, e.first, e.second) =
                            (abi::EXAMPLE_PAIR, Str::new(first), Str::new(second));
                    }
                    Example::Words(list) => {
                        e.kind = abi::EXAMPLE_WORDS;
                        keep(list, &mut e);
                    }
                    Example::QuestionContext { question, context } => {
                        (e.kind, e.first) = (abi::EXAMPLE_QUESTION_CONTEXT, Str::new(question));
                        match context {
                            Context::Text(text) => e.second = Str::new(text),
                            Context::Words(list) => keep(list, &mut e),
                        }
                    }
                }
                e
            })
            .collect();
        Self { examples, _words: words, _texts: PhantomData }
    }

    pub(crate) fn as_slice(&self) -> &[abi::Example] {
        &self.examples
    }
}
