//! Loops compiled for the instructions that the machine has.
//!
//! A plain x86-64 build may use vectors of two doubles only. `wide!` compiles a function once for each
//! instruction set `pulp` knows and picks at run time. The compiler vectorises as it sees fit but neither fuses
//! nor reorders floating-point operations, so every choice gives the same bits.

/// Defines a function whose body is compiled for each instruction set.
macro_rules! wide {
    ($(#[$attribute:meta])* fn $name:ident<$life:lifetime>($($argument:ident: $type:ty),* $(,)?) -> $output:ty $body:block) => {
        $(#[$attribute])*
        fn $name<$life>($($argument: $type),*) -> $output {
            struct Work<$life> {
                $($argument: $type),*
            }
            impl<$life> pulp::WithSimd for Work<$life> {
                type Output = $output;

                // Only what is inlined into the dispatch is compiled for its instruction set.
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> $output {
                    let Self { $($argument),* } = self;
                    $body
                }
            }
            crate::wide::arch().dispatch(Work { $($argument),* })
        }
    };
}

pub(crate) use wide;

/// The instructions to use: the widest there are.
#[cfg(not(test))]
pub(crate) fn arch() -> pulp::Arch {
    pulp::Arch::new()
}

/// The instructions to use: the widest there are, or none wider than plain ones where a test asks for that.
#[cfg(test)]
pub(crate) fn arch() -> pulp::Arch {
    if is_plain() { pulp::Arch::Scalar } else { pulp::Arch::new() }
}

/// Whether a test asked for plain instructions.
#[cfg(test)]
pub(crate) fn is_plain() -> bool {
    PLAIN.get()
}

#[cfg(test)]
thread_local! {
    static PLAIN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs a test's work on this thread with plain instructions.
#[cfg(test)]
pub(crate) fn without_vectors<T>(work: impl FnOnce() -> T) -> T {
    PLAIN.set(true);
    let done = work();
    PLAIN.set(false);
    done
}
