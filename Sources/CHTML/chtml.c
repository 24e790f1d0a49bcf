#include "chtml.h"
typedef int ch_not_empty;
