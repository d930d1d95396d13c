"""Line magics, cell magics, shell lines, help."""

NOTEBOOKS = {
    "matplotlib inline": """
%matplotlib inline
import math
# %%
print(math.tau > 6)
""",
    "time and timeit": """
xs = [3, 1]
# %%
%time ys = sorted(xs)
# %%
print(ys)
""",
    "cell time": """
%%time
total = sum(range(10))
# %%
print(total)
""",
    "timeit has its own scope": """
x = 1
# %%
%%timeit -n 1 -r 1
x = 5
y = x + 1
# %%
print(x, 'y' in globals())
""",
    "capture": """
%%capture out
print('hidden')
value = 3
# %%
print(repr(out.stdout), value)
""",
    "writefile then read": """
%%writefile note.txt
hello
# %%
print(open('note.txt').read().strip())
""",
    "writefile a module": """
%%writefile made.py
def f():
    return 'made'
# %%
import made
print(made.f())
# %%
print(made.f() + '!')
""",
    "shell output captured": """
name = 'abc'
# %%
out = !echo {name} $name
# %%
print(out)
""",
    "bash cell": """
%%bash
echo one > made.txt
# %%
print(open('made.txt').read())
""",
    "shell line": """
!echo hi > f.txt
# %%
!cat f.txt
""",
    "env magic": """
%env DEMO_FLAG=on
# %%
import os
print(os.environ['DEMO_FLAG'])
""",
    "env magic with a variable": """
flag = 'blue'
# %%
%env DEMO_COLOUR=$flag
# %%
import os
print(os.environ['DEMO_COLOUR'])
""",
    "change directory": """
import os
os.makedirs('sub', exist_ok=True)
# %%
%cd -q sub
# %%
print(os.path.basename(os.getcwd()))
""",
    "magic result assigned": """
here = %pwd
# %%
print(isinstance(here, str))
""",
    "script cell with output variable": """
%%bash --out text
echo 42
# %%
print(int(text))
""",
    "html cell": """
%%html
<b>hi</b>
# %%
x = 1
print(x)
""",
    "line magic over names": """
xs = [2, 1]
def work(v):
    xs.append(v)
# %%
%timeit -n 1 -r 1 work(3)
# %%
print(len(xs) >= 3)
""",
    "prun keeps names": """
%%capture
z = [1]
%time z.append(2)
# %%
print(z)
""",
    "run a script": """
%%writefile part.py
answer = 6 * 7
# %%
%run part.py
# %%
print(answer)
""",
    "automagic": """
import os
os.makedirs('deep', exist_ok=True)
# %%
cd -q deep
# %%
print(os.path.basename(os.getcwd()))
""",
    "load an extension and set precision": """
%load_ext autoreload
%autoreload 2
%precision 3
# %%
1 / 3
""",
    "semicolon hides": """
x = 5
# %%
x + 1;
# %%
x
""",
    "set_env and shell": """
%set_env DEMO_Z 5
# %%
!echo $DEMO_Z
""",
    "system call in python": """
import subprocess
subprocess.run(['sh', '-c', 'echo data > s.txt'])
# %%
print(open('s.txt').read())
""",
}
