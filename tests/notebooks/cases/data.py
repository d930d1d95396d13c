"""Everyday data work: frames, models, metrics."""

NOTEBOOKS = {
    "clean and group": """
import pandas as pd
raw = pd.DataFrame({'k': ['a', 'b', 'a'], 'v': [1.0, None, 3.0]})
# %%
clean = raw.dropna().copy()
# %%
clean['w'] = clean.v * 2
# %%
by = clean.groupby('k').w.mean()
# %%
print(by)
""",
    "two models": """
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor
X = np.arange(20).reshape(-1, 1)
y = 3 * X.ravel() + 1
# %%
lin = LinearRegression()
lin.fit(X, y)
# %%
tree = DecisionTreeRegressor(random_state=0).fit(X, y)
# %%
scores = {'lin': lin.score(X, y), 'tree': tree.score(X, y)}
# %%
best = max(scores, key=scores.get)
print(best, scores)
""",
    "pipeline": """
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.linear_model import LogisticRegression
iris = load_iris()
X, y = iris.data, iris.target
# %%
scaler = StandardScaler()
pipe = make_pipeline(scaler, LogisticRegression(max_iter=500))
# %%
pipe.fit(X, y)
# %%
print(round(pipe.score(X, y), 3), scaler.mean_.round(2))
""",
    "split then evaluate": """
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
# %%
data = load_wine(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=1)
# %%
model = RandomForestClassifier(n_estimators=5, random_state=0)
model.fit(X_train, y_train)
# %%
pred = model.predict(X_test)
# %%
acc = accuracy_score(y_test, pred)
print(round(acc, 3))
""",
    "forest on the global state": """
import numpy as np
from sklearn.ensemble import RandomForestClassifier
np.random.seed(5)
X = np.random.rand(30, 2)
y = (X[:, 0] > 0.5).astype(int)
# %%
a = RandomForestClassifier(n_estimators=3).fit(X, y)
# %%
b = RandomForestClassifier(n_estimators=3).fit(X, y)
# %%
print(a.predict_proba(X[:3]), b.predict_proba(X[:3]))
""",
    "grid search": """
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
X, y = load_iris(return_X_y=True)
# %%
gs = GridSearchCV(KNeighborsClassifier(), {'n_neighbors': [1, 3]}, cv=2)
# %%
gs.fit(X, y)
# %%
print(gs.best_params_)
""",
    "apply with a function of the notebook": """
import pandas as pd
df = pd.DataFrame({'a': [1, 2, 3]})
cut = 1
def label(v):
    return 'hi' if v > cut else 'lo'
# %%
cut = 2
# %%
df['l'] = df['a'].apply(label)
# %%
print(df.l.tolist())
""",
    "merge and pivot": """
import pandas as pd
a = pd.DataFrame({'k': [1, 2], 'x': [3, 4]})
# %%
b = pd.DataFrame({'k': [1, 2], 'y': [5, 6]})
# %%
m = a.merge(b, on='k')
# %%
print(m.pivot_table(index='k', values=['x', 'y']))
""",
    "time series": """
import pandas as pd, numpy as np
idx = pd.date_range('2024-01-01', periods=4)
s = pd.Series(np.arange(4.0), index=idx)
# %%
r = s.rolling(2).mean()
# %%
r.iloc[0] = 0
# %%
print(r.tolist(), s.tolist())
""",
    "categoricals and index": """
import pandas as pd
df = pd.DataFrame({'c': pd.Categorical(['x', 'y', 'x']), 'v': [1, 2, 3]}).set_index('v')
# %%
df.index.name = 'idx'
# %%
print(df, df.c.cat.categories.tolist())
""",
    "history of losses": """
import numpy as np
w = np.zeros(2)
losses = []
def step(x, y, lr=0.1):
    global w
    err = w @ x - y
    w = w - lr * err * x
    losses.append(float(err ** 2))
# %%
for _ in range(3):
    step(np.array([1.0, 2.0]), 3.0)
# %%
print(w.round(3), len(losses))
""",
    "dates and sets": """
import datetime as dt
day = dt.date(2024, 1, 1)
seen = {day}
# %%
seen.add(day + dt.timedelta(days=1))
# %%
print(sorted(seen))
""",
}
