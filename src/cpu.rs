//! Loops that are compiled twice: for every processor of the architecture, and for those with AVX2 and BMI, whose
//! instructions take three operands and shift by any register. Which one runs is found out at the call.
//!
//! Both give the same bits: fused multiply-adds, which round once where others round twice, are in neither.

/// Declares a function that is called as if it was one, and whose body is compiled twice.
///
/// What the body calls is compiled along with it where it is inlined into it. Functions that are marked to be always are, and
/// small ones, but not closures of some size: they would have two callers, which compilers do not copy them into. So the loop
/// itself stands in the body. The two are not inlined into their caller, and references among the arguments are known not to
/// overlap.
macro_rules! compiled_twice {
    (
        $(#[$doc:meta])*
        $visibility:vis fn $name:ident[$($generics:tt)*]($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$doc])*
        $visibility fn $name<$($generics)*>($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn body<$($generics)*>($($argument: $type),*) $(-> $result)? $body

            #[inline(never)]
            fn anywhere<$($generics)*>($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            {
                #[inline(never)]
                #[target_feature(enable = "avx2,bmi1,bmi2")]
                fn with_avx2<$($generics)*>($($argument: $type),*) $(-> $result)? {
                    body($($argument),*)
                }

                if $crate::cpu::has_avx2() {
                    // SAFETY: this processor has what the function is compiled for.
                    #[allow(unsafe_code)]
                    return unsafe { with_avx2($($argument),*) };
                }
            }
            anywhere($($argument),*)
        }
    };
}

pub(crate) use compiled_twice;

/// Whether this processor has AVX2, BMI1 and BMI2. Found out once.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2")
}
