// A web page as flat arrays: libxml2's HTML parser behind one call. See ch_parse.
#ifndef CHTML_H
#define CHTML_H
#endif
