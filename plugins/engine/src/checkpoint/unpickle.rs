//! The part of pickle that a state dict is written in, parsed from untrusted bytes.
//!
//! Nothing is executed: classes stay names. candle's `pickle::Stack` does the same, but copies an
//! object each time it is referred to (a few hundred bytes can fill the memory), nests its objects
//! (enough one-element tuples overflow the stack when they are dropped), allocates whatever length
//! a string claims and cannot hold torch's ten-byte magic number. Here objects lie in one flat
//! arena, refer to each other by index, and borrow their text from the file.

use std::collections::HashMap;

/// Why a pickle cannot be read; the caller adds the file and what to do.
pub(super) type Parsed<T> = Result<T, String>;

/// Most opcodes of one pickle. A state dict of BERT-large has under 30,000; the limit bounds what
/// a damaged file can make this reader allocate to some tens of megabytes.
const MOST_OPCODES: usize = 1 << 20;

/// Index of a value in its [`Pickled`].
pub(super) type Id = usize;

#[derive(Debug)]
pub(super) enum Value<'a> {
    /// None, a bool or a float: nothing that describes where a tensor lies.
    Other,
    Int(i64),
    /// An integer of more than 64 bits, little endian.
    Long(&'a [u8]),
    Text(&'a str),
    /// A class or function.
    Global(&'a str, &'a str),
    /// A tuple or list.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// What a function would return for these arguments.
    Call(Id, Id),
    /// Something that lies outside of the pickle, by its persistent id.
    Persistent(Id),
}

/// One parsed pickle.
#[derive(Debug)]
pub(super) struct Pickled<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Pickled<'a> {
    pub(super) fn root(&self) -> Id {
        self.root
    }

    pub(super) fn values(&self) -> &[Value<'a>] {
        &self.values
    }

    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id]
    }

    pub(super) fn list(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match *self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is a size or a position.
    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match *self.get(id) {
            Value::Int(value) => usize::try_from(value).ok(),
            _ => None,
        }
    }
}

/// Bytes with a position.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, len: usize) -> Parsed<&'a [u8]> {
        let rest = &self.data[self.at..];
        let taken = rest.get(..len).ok_or_else(|| {
            format!(
                "{len} bytes are needed at byte {} of {}, but {} are left",
                self.at,
                self.data.len(),
                rest.len()
            )
        })?;
        self.at += len;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Parsed<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn text(&mut self, len: usize) -> Parsed<&'a str> {
        let at = self.at;
        std::str::from_utf8(self.take(len)?).map_err(|e| format!("text at byte {at}: {e}"))
    }

    fn line(&mut self) -> Parsed<&'a str> {
        let rest = &self.data[self.at..];
        let len = rest.iter().position(|&b| b == b'\n').ok_or("a name has no end")?;
        let line = self.text(len)?;
        self.at += 1;
        Ok(line)
    }

    /// Parses the pickle that begins here, and stops behind its last byte.
    pub(super) fn pickle(&mut self) -> Parsed<Pickled<'a>> {
        let mut machine = Machine::default();
        for _ in 0..MOST_OPCODES {
            let at = self.at;
            match machine.step(self) {
                Ok(false) => {}
                Ok(true) => {
                    let root = machine.pop()?;
                    return Ok(Pickled { values: machine.values, root });
                }
                Err(e) => return Err(format!("{e} (opcode at byte {at})")),
            }
        }
        Err(format!("more than {MOST_OPCODES} opcodes in one pickle"))
    }
}

#[derive(Default)]
struct Machine<'a> {
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at each MARK.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    fn push(&mut self, value: Value<'a>) {
        self.stack.push(self.values.len());
        self.values.push(value);
    }

    fn pop(&mut self) -> Parsed<Id> {
        self.stack.pop().ok_or_else(|| "nothing to take from the stack".to_owned())
    }

    fn pop_many(&mut self, count: usize) -> Parsed<Vec<Id>> {
        let from = self.stack.len().checked_sub(count).ok_or("too little on the stack")?;
        Ok(self.stack.split_off(from))
    }

    fn pop_to_mark(&mut self) -> Parsed<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no mark on the stack")?;
        // The stack may have shrunk below the mark, in a damaged file.
        let count = self.stack.len().checked_sub(mark).ok_or("too little above the mark")?;
        self.pop_many(count)
    }

    fn remember(&mut self, key: u32) -> Parsed<()> {
        let &top = self.stack.last().ok_or("nothing to remember")?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Parsed<()> {
        let &id = self.memo.get(&key).ok_or_else(|| format!("nothing remembered as {key}"))?;
        self.stack.push(id);
        Ok(())
    }

    /// Adds to the list or dict on top of the stack. The contents of other objects are dropped:
    /// no tensor is found through them.
    fn extend(&mut self, items: Vec<Id>) -> Parsed<()> {
        let &top = self.stack.last().ok_or("nothing to extend")?;
        match &mut self.values[top] {
            Value::List(list) => list.extend(items),
            Value::Dict(pairs) => {
                let (chunks, rest) = items.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err("a dict with a key that has no value".to_owned());
                }
                pairs.extend(chunks.iter().map(|&[key, value]| (key, value)));
            }
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self) -> Parsed<()> {
        let (args, callable) = (self.pop()?, self.pop()?);
        self.push(match self.values[callable] {
            Value::Global("collections", "OrderedDict") => Value::Dict(Vec::new()),
            _ => Value::Call(callable, args),
        });
        Ok(())
    }

    /// Carries out one opcode (Python's pickletools.py documents them); true for the last.
    fn step(&mut self, r: &mut Reader<'a>) -> Parsed<bool> {
        match r.byte()? {
            0x80 => _ = r.byte()?,                         // PROTO
            b'.' => return Ok(true),                       // STOP
            b'N' | 0x88 | 0x89 => self.push(Value::Other), // NONE, NEWTRUE, NEWFALSE
            b'G' => {
                // BINFLOAT
                r.take(8)?;
                self.push(Value::Other);
            }
            b'K' => {
                let value = r.byte()?; // BININT1
                self.push(Value::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(r.array()?); // BININT2
                self.push(Value::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(r.array()?); // BININT
                self.push(Value::Int(value.into()));
            }
            0x8a => {
                // LONG1
                let len = r.byte()?;
                let bytes = r.take(len.into())?;
                self.push(long(bytes));
            }
            b'X' => {
                let len = u32::from_le_bytes(r.array()?); // BINUNICODE
                let text = r.text(len as usize)?;
                self.push(Value::Text(text));
            }
            b'c' => {
                let (module, name) = (r.line()?, r.line()?); // GLOBAL
                self.push(Value::Global(module, name));
            }
            b'(' => self.marks.push(self.stack.len()), // MARK
            b')' | b']' => self.push(Value::List(Vec::new())), // EMPTY_TUPLE, EMPTY_LIST
            b'}' => self.push(Value::Dict(Vec::new())), // EMPTY_DICT
            b't' => {
                let items = self.pop_to_mark()?; // TUPLE
                self.push(Value::List(items));
            }
            op @ 0x85..=0x87 => {
                let items = self.pop_many(usize::from(op - 0x84))?; // TUPLE1 to TUPLE3
                self.push(Value::List(items));
            }
            op @ (b'a' | b's') => {
                let items = self.pop_many(if op == b'a' { 1 } else { 2 })?; // APPEND, SETITEM
                self.extend(items)?;
            }
            b'e' | b'u' => {
                let items = self.pop_to_mark()?; // APPENDS, SETITEMS
                self.extend(items)?;
            }
            b'R' | 0x81 => self.call()?, // REDUCE, NEWOBJ
            // BUILD: the attributes of an object, such as a state dict's _metadata; none is needed.
            b'b' => _ = self.pop()?,
            b'Q' => {
                let id = self.pop()?; // BINPERSID
                self.push(Value::Persistent(id));
            }
            b'q' => {
                let key = r.byte()?; // BINPUT
                self.remember(key.into())?;
            }
            b'r' => {
                let key = u32::from_le_bytes(r.array()?); // LONG_BINPUT
                self.remember(key)?;
            }
            b'h' => {
                let key = r.byte()?; // BINGET
                self.recall(key.into())?;
            }
            b'j' => {
                let key = u32::from_le_bytes(r.array()?); // LONG_BINGET
                self.recall(key)?;
            }
            other => return Err(format!("opcode {other:#04x} has no place in a state dict")),
        }
        Ok(false)
    }
}

/// A little-endian integer in two's complement.
fn long(bytes: &[u8]) -> Value<'_> {
    if bytes.len() > size_of::<i64>() {
        return Value::Long(bytes);
    }
    let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut value = [fill; size_of::<i64>()];
    value[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(value))
}
