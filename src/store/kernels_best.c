#include "store/kernels.h"

const struct kernels *kernels_best(void)
{
	const struct kernels *avx2 = kernels_avx2();

	return avx2 ? avx2 : kernels_plain();
}
