/* SPDX-License-Identifier: MIT
 *
 * The fleet as a picture: SVG in whole numbers only, so that the same run gives the same octets everywhere. The colours are to be read on light and
 * dark ground. Heights are square roots, so that 5 and 150 connections per second are both to be seen, and 0 is 0.
 */
#include "fleet.h"

#include <stdio.h>

enum { WIDTH = 830, HEIGHT = 400, LEFT = 62, RIGHT = 816, TOP = 84, BOTTOM = 342, BUCKET = 60 };

struct chart {
    FILE *out;
    unsigned minutes; /* at RIGHT */
    unsigned most;    /* connections in a bucket, at TOP */
};

static unsigned root(uint64_t x)
{
    unsigned r = 0;

    for (unsigned bit = 1u << 20; bit != 0; bit >>= 1) {
        if ((uint64_t)(r + bit) * (r + bit) <= x) {
            r += bit;
        }
    }
    return r;
}

/* Places in tenths. */
static unsigned place_x(const struct chart *c, unsigned minute)
{
    return LEFT * 10 + minute * (RIGHT - LEFT) * 10 / c->minutes;
}

static unsigned place_y(const struct chart *c, unsigned count)
{
    return BOTTOM * 10 - root((uint64_t)count * 1000000 / c->most) * (BOTTOM - TOP) / 100;
}

/* A length in tenths, for one %s; eight of them may be in use at a time. */
static const char *tenths(unsigned n)
{
    static char texts[8][16];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, sizeof texts[0], "%u.%u", n / 10, n % 10);
    return text;
}

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

static void begin(const struct chart *c, const struct fleet *fleet)
{
    fprintf(c->out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
            "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"14\" "
            "fill=\"#7c7c7c\">\n"
            "<!-- SPDX-License-Identifier: MIT; drawn by `make fleet' -->\n"
            "<title>Connections per second to a relay that %u devices want at once and that is down for %u "
            "minutes</title>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, fleet->devices, fleet->outage_s / 60);
}

static void outage(const struct chart *c, const struct fleet *fleet)
{
    unsigned end = place_x(c, fleet->outage_s / 60);

    fprintf(c->out, "<rect x=\"%d\" y=\"%d\" width=\"%s\" height=\"%d\" fill-opacity=\".13\"/>\n", LEFT, TOP,
            tenths(end - LEFT * 10), BOTTOM - TOP);
    fprintf(c->out, "<path d=\"M%s %dV%d\" stroke=\"#7c7c7c\" stroke-width=\"1.5\"/>\n", tenths(end), TOP - 8, BOTTOM);
    fprintf(c->out, "<text x=\"%s\" y=\"%d\" text-anchor=\"end\">relay down: refused</text>\n", tenths(end - 80),
            TOP - 4);
    fprintf(c->out, "<text x=\"%s\" y=\"%d\">back: accepted</text>\n", tenths(end + 80), TOP - 4);
}

static void axis_x(const struct chart *c)
{
    static const unsigned steps[] = {1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1440};
    unsigned i = 0;

    while (i + 1 < sizeof steps / sizeof *steps && c->minutes / steps[i] > 14) {
        i++;
    }
    for (unsigned minute = 0; minute <= c->minutes; minute += steps[i]) {
        const char *x = tenths(place_x(c, minute));

        fprintf(c->out,
                "<path d=\"M%s %dv5\" stroke=\"#7c7c7c\"/><text x=\"%s\" y=\"%d\" text-anchor=\"middle\">%u</text>\n",
                x, BOTTOM, x, BOTTOM + 21, minute);
    }
    fprintf(c->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">minutes since the relay went down</text>\n",
            (LEFT + RIGHT) / 2, BOTTOM + 45);
}

static void axis_y(const struct chart *c)
{
    static const unsigned ticks[] = {1, 5, 10, 25, 50, 100, 150, 250, 500, 1000, 2500, 5000, 10000};
    unsigned above = BOTTOM * 10;

    fprintf(c->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", LEFT - 8, BOTTOM + 5);
    for (unsigned i = 0; i < sizeof ticks / sizeof *ticks && ticks[i] * BUCKET <= c->most; i++) {
        unsigned y = place_y(c, ticks[i] * BUCKET);

        if (above - y >= 160) {
            fprintf(c->out,
                    "<path d=\"M%d %sH%d\" stroke=\"#7c7c7c\" stroke-opacity=\".3\"/>"
                    "<text x=\"%d\" y=\"%s\" text-anchor=\"end\">%u</text>\n",
                    LEFT, tenths(y), RIGHT, LEFT - 8, tenths(y + 50), ticks[i]);
            above = y;
        }
    }
    fprintf(c->out, "<path d=\"M%d %dH%d\" stroke=\"#7c7c7c\"/>\n", LEFT, BOTTOM, RIGHT);
    fprintf(c->out,
            "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">connections per second, root "
            "scale</text>\n",
            (TOP + BOTTOM) / 2);
}

/* The busy minutes of a run, each as high as it is busy; idle ones lie on the axis. */
static void curve(const struct chart *c, const struct fleet_run *run, const char *colour, const char *opacity)
{
    unsigned last = 0;

    fprintf(
        c->out,
        "<path fill=\"%s\" fill-opacity=\"%s\" stroke=\"%s\" stroke-width=\"1.6\" stroke-linejoin=\"round\" d=\"M%d "
        "%d",
        colour, opacity, colour, LEFT, BOTTOM);
    for (unsigned minute = 0; minute < c->minutes; minute++) {
        unsigned n = fleet_count(run, minute * BUCKET, BUCKET);

        if (n != last) {
            fprintf(c->out, "H%sV%s", tenths(place_x(c, minute)), tenths(place_y(c, n)));
        }
        last = n;
    }
    fprintf(c->out, "H%dV%d\"/>\n", RIGHT, BOTTOM);
}

static void legend(const struct chart *c, int y, const char *colour, const char *name, const struct fleet *fleet,
                   const struct fleet_run *run)
{
    unsigned in_s = run->in_s > fleet->outage_s ? run->in_s - fleet->outage_s : 0;

    fprintf(c->out, "<rect x=\"%d\" y=\"%d\" width=\"22\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n", LEFT, y - 11,
            colour);
    fprintf(c->out,
            "<text x=\"%d\" y=\"%d\">%s: %s per second at most after the return, all mail in after %u min</text>\n",
            LEFT + 30, y, name, tenths((run->peak_60 * 10 + BUCKET / 2) / BUCKET), (in_s + 59) / 60);
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

bool fleet_chart(const char *path, const struct fleet *fleet, const struct fleet_run *with,
                 const struct fleet_run *without)
{
    struct chart c = {.out = fopen(path, "w"), .most = 1};
    unsigned end = with->in_s > without->in_s ? with->in_s : without->in_s;
    bool good;

    if (c.out == NULL) {
        return false;
    }
    c.minutes = (end > fleet->outage_s ? end : fleet->outage_s) / 60 + 3;
    for (unsigned minute = 0; minute < c.minutes; minute++) {
        unsigned a = fleet_count(with, minute * BUCKET, BUCKET), b = fleet_count(without, minute * BUCKET, BUCKET);

        c.most = a > c.most ? a : c.most;
        c.most = b > c.most ? b : c.most;
    }
    c.most += c.most / 16;
    begin(&c, fleet);
    outage(&c, fleet);
    axis_y(&c);
    curve(&c, without, "#d9622b", ".25");
    curve(&c, with, "#2f87dd", ".45");
    axis_x(&c);
    legend(&c, 22, "#2f87dd", "with the random part of P11", fleet, with);
    legend(&c, 44, "#d9622b", "without it", fleet, without);
    fputs("</svg>\n", c.out);
    good = ferror(c.out) == 0;
    return fclose(c.out) == 0 && good;
}
