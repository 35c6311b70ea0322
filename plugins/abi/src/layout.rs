//! Struct layouts as data, so that a test can compare them with what the C compiler says.

/// A field of a struct: its name in the header, and where the Rust mirror has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLayout {
    /// The name, the same in C and Rust.
    pub name: &'static str,
    /// Bytes from the start of the struct.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
}

/// A struct of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructLayout {
    /// The C typedef.
    pub c_name: &'static str,
    /// Bytes.
    pub size: usize,
    /// Bytes.
    pub align: usize,
    /// All fields, in order.
    pub fields: &'static [FieldLayout],
}

/// Declares `#[repr(C)]` structs together with their entries in `LAYOUTS`.
macro_rules! abi_structs {
    ($(
        $(#[$meta:meta])*
        $c_name:ident => pub struct $name:ident { $( $(#[$fmeta:meta])* pub $field:ident : $ty:ty, )* }
    )*) => {
        $(
            $(#[$meta])*
            #[repr(C)]
            #[derive(Debug, Clone, Copy)]
            pub struct $name { $( $(#[$fmeta])* pub $field: $ty, )* }
        )*

        /// The layout of every struct of the ABI.
        pub const LAYOUTS: &[$crate::StructLayout] = &[$(
            $crate::StructLayout {
                c_name: stringify!($c_name),
                size: size_of::<$name>(),
                align: align_of::<$name>(),
                fields: &[$(
                    $crate::FieldLayout {
                        name: stringify!($field),
                        offset: std::mem::offset_of!($name, $field),
                        size: size_of::<$ty>(),
                    },
                )*],
            },
        )*];
    };
}
pub(crate) use abi_structs;
