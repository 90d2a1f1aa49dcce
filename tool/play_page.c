/* The page that `play --html` writes, around the runs; see play_html.h. */
#include "play_html.h"

/* clang-format off: a page, line by line */
const char *const html_page[] = {
    "<!doctype html>\n",
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>chunky play</title>\n",
    "<meta name=\"viewport\" content=\"width=device-width\">\n",
    "<style>\n",
    "body{margin:0;font:14px/1.45 "
    "system-ui,sans-serif;color:#1c2733;background:#fff;display:grid;\n",
    "grid-template-columns:17em 1fr;grid-template-rows:auto 1fr auto;height:100vh}\n",
    "header{grid-column:1/3;padding:.5em 1em;border-bottom:1px solid "
    "#c8d0d8;min-height:5.2em}\n",
    "header h1{font-size:1em;margin:0 0 .2em;font-weight:600}\n",
    "#why{max-width:75em}#calls{color:#5a6672;font-size:.92em}\n",
    "#ops{overflow:auto;border-right:1px solid #c8d0d8;padding:.4em "
    "0;font-family:monospace}\n",
    "#ops div{padding:.1em .8em;cursor:pointer;white-space:pre}\n",
    "#ops .tag{color:#5a6672;font-style:italic;cursor:default;white-space:normal}\n",
    "#ops .now{background:#dbe7f5;box-shadow:inset 3px 0 #1f5fa8}\n",
    "#ops .later{color:#8a949e}\n",
    "main{overflow:auto;padding:.6em 1em}\n",
    "main h2{font-size:.9em;margin:.2em 0;font-weight:600;color:#5a6672}\n",
    "canvas{display:block;margin-bottom:.8em}\n",
    "footer{grid-column:1/3;border-top:1px solid #c8d0d8;padding:.4em "
    "1em;max-height:32vh;overflow:auto;\n",
    "font-family:monospace;font-size:13px}\n",
    "footer pre{margin:0;white-space:pre-wrap}\n",
    ".box{border:1px solid #8a6a2a;background:#fbe8c8;padding:0 .4em;margin:0 .1em}\n",
    "#report{color:#1c2733;background:#fff3d6;border-left:4px solid "
    "#b36b00;padding:.2em .6em}\n",
    "#report:empty{display:none}\n",
    "kbd{border:1px solid #aab4be;border-radius:3px;padding:0 "
    ".3em;font-size:.85em;background:#f5f7f9}\n",
    "#keys{float:right;color:#5a6672;font-size:.9em}\n",
    "#tip{position:fixed;background:#1c2733;color:#fff;padding:.2em "
    ".5em;border-radius:3px;font-size:12px;\n",
    "pointer-events:none;display:none;white-space:pre}\n",
    "select{font:inherit;max-width:30em}\n",
    "</style></head><body>\n",
    "<header><span id=\"keys\"><kbd>&larr;</kbd> <kbd>&rarr;</kbd> step &nbsp; "
    "<kbd>Home</kbd> <kbd>End</kbd>\n",
    "&nbsp; <kbd>+</kbd> <kbd>&minus;</kbd> zoom &nbsp; <kbd>PgUp</kbd> "
    "<kbd>PgDn</kbd> script</span>\n",
    "<h1><select id=\"runs\"></select> <span id=\"name\"></span></h1><div "
    "id=\"why\"></div><div id=\"calls\"></div></header>\n",
    "<div id=\"ops\"></div><main id=\"heap\"></main>\n",
    "<footer><div id=\"bins\"></div><pre id=\"sums\"></pre><pre "
    "id=\"report\"></pre></footer><div id=\"tip\"></div>\n",
    "<script>\n",
    "\"use strict\";\n",
    "const RUNS=/*RUNS*/[]/*END*/;\n",
    "const $=id=>document.getElementById(id);\n",
    "let run=0,step=0,zoom=0;\n",
    "const STATE={\"in "
    "use\":[\"#9cc0e8\",\"#7fabdc\"],unsorted:[\"#f6cf8f\",\"#f6cf8f\"],small:[\"#"
    "f3dcb4\",\"#f3dcb4\"],\n",
    "large:[\"#f3dcb4\",\"#f3dcb4\"],fast:[\"#e8b463\",\"#e8b463\"],cached:[\"#"
    "d9d2e6\",\"#d9d2e6\"],top:[\"#f4f6f8\",\"#f4f6f8\"],\n",
    "fence:[\"#d5dbe1\",\"#d5dbe1\"],overwritten:[\"#2b2b2b\",\"#2b2b2b\"]};\n",
    "const "
    "INK={\"#\":\"#43505c\",\".\":\"#e9f1fa\",\"=\":\"#c98a1b\",f:\"#c98a1b\",b:\"#"
    "c98a1b\",l:\"#c98a1b\"};\n",
    "function scale(extent,width){\n",
    "  let best=1/4096;\n",
    "  for(let p=16;p>=1/65536;p/=2){const "
    "row=rowBytes(p,width);best=p;if(Math.ceil(extent/row)<=10)break;}\n",
    "  return best*Math.pow(2,zoom);\n",
    "}\n",
    "function rowBytes(p,width){let n=16;while(n*2*p<=width)n*=2;return n;}\n",
    "function region(r,width){\n",
    "  const "
    "title=document.createElement(\"h2\"),canvas=document.createElement(\"canvas\");\n",
    "  let p=Math.min(24,scale(r.extent,width-70));\n",
    "  const "
    "row=rowBytes(p,width-70),rows=Math.max(1,Math.ceil(r.extent/row)),high=24;\n",
    "  title.textContent=r.name+\": \"+rows+\" row\"+(rows>1?\"s\":\"\")+\" of "
    "\"+row+\" bytes\";\n",
    "  const ratio=window.devicePixelRatio||1,w=70+row*p;\n",
    "  canvas.style.width=w+\"px\";canvas.style.height=rows*high+\"px\";\n",
    "  canvas.width=w*ratio;canvas.height=rows*high*ratio;\n",
    "  const g=canvas.getContext(\"2d\");g.scale(ratio,ratio);g.font=\"12px "
    "monospace\";g.textBaseline=\"middle\";\n",
    "  g.fillStyle=\"#5a6672\";\n",
    "  for(let "
    "i=0;i<rows;i++)g.fillText(\"+\"+(i*row).toString(16).padStart(3,\"0\"),2,i*high+"
    "high/2);\n",
    "  const span=(from,to,draw)=>{\n",
    "    to=Math.min(to,r.extent);\n",
    "    while(from<to){const y=Math.floor(from/row),end=Math.min(to,(y+1)*row);\n",
    "      "
    "draw(70+(from-y*row)*p,y*high+2,(end-from)*p,high-4,from,end);from=end;}};\n",
    "  r.chunks.forEach((c,i)=>{\n",
    "    const fill=(STATE[c[2]]||STATE.top)[i%2];\n",
    "    "
    "span(c[0]+8,c[0]+8+c[1],(x,y,w2,h)=>{g.fillStyle=fill;g.fillRect(x,y,w2,h);});});"
    "\n",
    "  r.pieces.forEach(q=>{\n",
    "    const ink=INK[q[2]];\n",
    "    if(ink&&(q[1]*p>=1||p>=1))span(q[0],q[0]+q[1],(x,y,w2,h)=>{g.fillStyle=ink;\n",
    "      if(q[2]===\".\"){g.fillRect(x,y,w2,h);}else "
    "if(q[2]===\"#\"){g.fillRect(x,y,w2,h);}else g.fillRect(x,y+h-5,w2,5);});\n",
    "    "
    "if(p>=8)span(q[0],q[0]+q[1],(x,y,w2,h,from,end)=>{g.fillStyle=q[2]===\"#\"?\"#"
    "fff\":\"#1c2733\";\n",
    "      for(let k=from;k<end;k++)g.fillText(q[2],x+(k-from)*p+p/2-4,y+h/2);});});\n",
    "  r.chunks.forEach(c=>{\n",
    "    "
    "span(c[0]+8,c[0]+8+c[1],(x,y,w2,h,from)=>{g.strokeStyle=\"#43505c\";g.strokeRect("
    "x+.5,y+.5,Math.max(0,w2-1),h-1);\n",
    "      "
    "if(p<8&&c[3]&&w2>40&&from===c[0]+8){g.fillStyle=\"#1c2733\";g.fillText(c[3]+\" "
    "\"+c[4],x+8*p+4,y+h/2);}});});\n",
    "  canvas.onmousemove=e=>{\n",
    "    const at=Math.floor(e.offsetY/high)*row+Math.floor((e.offsetX-70)/p);\n",
    "    const c=e.offsetX<70?null:r.chunks.find(d=>at>=d[0]+8&&at<d[0]+8+d[1]);\n",
    "    $(\"tip\").style.display=c?\"block\":\"none\";\n",
    "    if(!c)return;\n",
    "    $(\"tip\").textContent=(c[3]?c[3]+\": \"+c[4]+\" bytes asked of \"+c[5]+\" "
    "usable, \":\"\")+c[2]+\"\\nchunk +\"+\n",
    "      c[0].toString(16)+\", size 0x\"+c[1].toString(16)+\"; this byte: "
    "+\"+at.toString(16);\n",
    "    "
    "$(\"tip\").style.left=Math.min(e.clientX+12,innerWidth-260)+\"px\";$(\"tip\")."
    "style.top=e.clientY+14+\"px\";};\n",
    "  canvas.onmouseleave=()=>$(\"tip\").style.display=\"none\";\n",
    "  return [title,canvas];\n",
    "}\n",
    "function list(l){\n",
    "  const div=document.createElement(\"div\"),arrow=l.two?\" \\u21c4 \":\" \\u2192 "
    "\";\n",
    "  div.append(l.name.padEnd(16)+\" head\");\n",
    "  l.members.forEach(m=>{div.append(arrow);const "
    "b=document.createElement(\"span\");b.className=\"box\";\n",
    "    b.textContent=m;div.append(b);});\n",
    "  if(l.more)div.append(arrow+l.more+\" more\");\n",
    "  div.append(l.note?\"   \"+l.note+\"  !\":l.two?arrow+\"head\":\"\");\n",
    "  return div;\n",
    "}\n",
    "function show(){\n",
    "  const s=RUNS[run].steps[step];\n",
    "  $(\"name\").textContent=RUNS[run].mode+\", step \"+(step+1)+\" of "
    "\"+RUNS[run].steps.length;\n",
    "  $(\"why\").textContent=s.op+\": \"+s.why;\n",
    "  $(\"calls\").textContent=s.calls.length?\"system calls: \"+s.calls.join(\", "
    "\"):\"no system call\";\n",
    "  "
    "$(\"heap\").replaceChildren(...s.regions.flatMap(r=>region(r,$(\"heap\")."
    "clientWidth-30)));\n",
    "  $(\"bins\").replaceChildren(...s.lists.map(list));\n",
    "  if(!s.lists.length)$(\"bins\").textContent=\"no free chunk but the top\";\n",
    "  "
    "$(\"sums\").textContent=s.sums.join(\"\\n\");$(\"report\").textContent=s.report."
    "join(\"\\n\");\n",
    "  document.querySelectorAll(\"#ops div[data-i]\").forEach(d=>{const "
    "i=+d.dataset.i;\n",
    "    "
    "d.className=i===step?\"now\":i>step?\"later\":\"\";if(i===step)d.scrollIntoView({"
    "block:\"nearest\"});});\n",
    "  location.replace(\"#r=\"+run+\"&t=\"+(step+1));\n",
    "}\n",
    "function open_(i){\n",
    "  run=i;step=0;zoom=0;$(\"runs\").value=i;\n",
    "  $(\"ops\").replaceChildren(...RUNS[run].steps.flatMap((s,k)=>{\n",
    "    const "
    "d=document.createElement(\"div\");d.textContent=s.op;d.dataset.i=k;d.onclick=()=>{"
    "step=k;show();};\n",
    "    const "
    "t=document.createElement(\"div\");t.className=\"tag\";t.textContent=s.tag;\n",
    "    return s.tag?[t,d]:[d];}));\n",
    "}\n",
    "function "
    "move(to){step=Math.max(0,Math.min(RUNS[run].steps.length-1,to));show();}\n",
    "RUNS.forEach((r,i)=>{const "
    "o=document.createElement(\"option\");o.value=i;o.textContent=r.title;$(\"runs\")."
    "append(o);});\n",
    "$(\"runs\").style.display=RUNS.length>1?\"\":\"none\";\n",
    "$(\"runs\").onchange=e=>{open_(+e.target.value);e.target.blur();show();};\n",
    "addEventListener(\"keydown\",e=>{\n",
    "  if(e.ctrlKey||e.metaKey||e.altKey||e.target.tagName===\"SELECT\")return;\n",
    "  const k={ArrowRight:()=>move(step+1),ArrowDown:()=>move(step+1),\" "
    "\":()=>move(step+1),\n",
    "    "
    "ArrowLeft:()=>move(step-1),ArrowUp:()=>move(step-1),Home:()=>move(0),End:()=>move("
    "1e9),\n",
    "    "
    "\"+\":()=>{zoom++;show();},\"=\":()=>{zoom++;show();},\"-\":()=>{zoom--;show();},"
    "\n",
    "    PageDown:()=>{open_((run+1)%RUNS.length);show();},\n",
    "    PageUp:()=>{open_((run+RUNS.length-1)%RUNS.length);show();}}[e.key];\n",
    "  if(k){e.preventDefault();k();}\n",
    "});\n",
    "addEventListener(\"resize\",show);\n",
    "const at=/r=(\\d+)&t=(\\d+)/.exec(location.hash);\n",
    "open_(at&&RUNS[+at[1]]?+at[1]:0);move(at?+at[2]-1:0);\n",
    "</script></body></html>\n",
    NULL,
};
