# shellcheck shell=bash disable=SC2034
# ghostscript: a PostScript program of shapes, text, shadings, patterns and an image to PNG
# and to PDF, and that PDF to PNG again. The pictures must be the same to the byte.
needs=(gs)
watched=(gs)

program() {
    local device
    for device in png16m pnggray pngmono; do
        gs -q -dSAFER -dBATCH -dNOPAUSE -sDEVICE="$device" -r120 -dTextAlphaBits=1 \
            -sOutputFile="$device-%d.png" "$INPUT/pages.ps"
    done
    gs -q -dSAFER -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=pages.pdf "$INPUT/pages.ps"
    gs -q -dSAFER -dBATCH -dNOPAUSE -sDEVICE=png16m -r72 -dNumRenderingThreads=2 \
        -dBufferSpace=400000 -sOutputFile=again-%d.png pages.pdf
    sha256sum ./*.png
}
