#include "agent.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc >= 2 && strcmp(argv[1], "pause") == 0) return pause_main(argc - 2, argv + 2);
    if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve_main();
    fputs("usage: mk-agent pause [--bridge name --veth name --address a.b.c.d/len --gateway a.b.c.d]"
          " [--sysctl name=value]...\n       mk-agent serve\n", stderr);
    return 2;
}
